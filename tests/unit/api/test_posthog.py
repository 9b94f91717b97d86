"""PostHog's events as messages."""

from typing import Any

import pytest

from api.tracking.posthog import translated

TIME = "2026-03-01T08:00:00+00:00"


def event(name: str, **fields: Any) -> dict[str, Any]:
    return {"event": name, "uuid": "m1", "timestamp": TIME, "distinct_id": "u1", **fields}


def messages(*events: Any) -> list[dict[str, Any]]:
    batch: list[dict[str, Any]] = translated({"api_key": "WK", "batch": [*events]})["batch"]
    return batch


def test_a_body_is_a_batch_with_key_and_time() -> None:
    body = {"api_key": "WK", "sent_at": TIME, "batch": [event("E")]}
    assert translated(body) == {
        "writeKey": "WK",
        "sentAt": TIME,
        "batch": [
            {
                "type": "track",
                "messageId": "m1",
                "timestamp": TIME,
                "event": "E",
                "properties": None,
                "userId": "u1",
            }
        ],
    }


@pytest.mark.parametrize(
    "body",
    [
        {**event("E"), "api_key": "WK"},
        {**event("E"), "token": "WK"},
        event("E", properties={"token": "WK", "a": 1}),
        [event("E", properties={"token": "WK", "a": 1})],
        {"token": "WK", "batch": [event("E")]},
    ],
    ids=["single, api_key", "single, token", "single, in the properties", "a list", "a batch, token"],
)
def test_the_key_is_found_and_not_kept(body: Any) -> None:
    batch = translated(body)
    assert batch["writeKey"] == "WK"
    (message,) = batch["batch"]
    assert "WK" not in repr(message)
    assert (message["event"], message["userId"]) == ("E", "u1")


@pytest.mark.parametrize(
    "body",
    [
        {"batch": []},
        {"batch": [{"type": "page"}], "writeKey": "WK"},
        {"batch": {}, "api_key": "WK"},
        "x",
        7,
        None,
    ],
)
def test_another_body_stays_as_it_is(body: Any) -> None:
    assert translated(body) is body


def test_identifying_becomes_identify_with_what_is_set() -> None:
    properties = {"$set": {"email": "a@b.c"}, "$set_once": {"first": 1}, "$anon_distinct_id": "a1"}
    (message,) = messages(event("$identify", properties=properties))
    assert message == {
        "type": "identify",
        "messageId": "m1",
        "timestamp": TIME,
        "traits": {"email": "a@b.c"},
        "anonymousId": "a1",
        "userId": "u1",
    }


def test_setting_becomes_identify_wherever_the_values_stand() -> None:
    for fields in ({"$set": {"age": 7}}, {"properties": {"$set": {"age": 7}}}):
        (message,) = messages(event("$set", **fields))
        assert (message["type"], message["userId"], message["traits"]) == ("identify", "u1", {"age": 7})


def test_an_alias_names_the_old_id_and_the_new_one() -> None:
    (message,) = messages(
        event("$create_alias", distinct_id="old", properties={"distinct_id": "old", "alias": "new"})
    )
    assert message == {
        "type": "alias",
        "messageId": "m1",
        "timestamp": TIME,
        "previousId": "old",
        "userId": "new",
    }


def test_what_another_event_sets_is_said_behind_all_events_under_an_id_of_its_own() -> None:
    first, second, said = messages(
        event("E", properties={"total": 12.5, "$set": {"age": 7}}), event("F", uuid="m2")
    )
    assert (first["messageId"], first["properties"]) == ("m1", {"total": 12.5})
    assert second["messageId"] == "m2"
    assert said == {
        "type": "identify",
        "messageId": "m1:set",
        "timestamp": TIME,
        "traits": {"age": 7},
        "userId": "u1",
    }


@pytest.mark.parametrize(
    ("fields", "person"),
    [
        ({}, {"userId": "u1"}),
        ({"distinct_id": None, "properties": {"distinct_id": "u2"}}, {"userId": "u2"}),
        ({"properties": {"$is_identified": True}}, {"userId": "u1"}),
        ({"properties": {"$is_identified": False}}, {"anonymousId": "u1"}),
        ({"properties": {"$process_person_profile": False}}, {"anonymousId": "u1"}),
    ],
)
def test_a_distinct_id_names_a_user_unless_nobody_was_identified(
    fields: dict[str, Any], person: dict[str, Any]
) -> None:
    (message,) = messages(event("E", **fields))
    assert {key: message[key] for key in message if key in ("userId", "anonymousId")} == person


@pytest.mark.parametrize("odd", [7, None, "x", []])
def test_what_is_no_event_is_left_to_the_validation(odd: Any) -> None:
    assert messages(odd) == [odd]
    (message,) = messages(event("E", properties=odd))
    assert message["properties"] == odd
    assert translated([odd])["writeKey"] is None
