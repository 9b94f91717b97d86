"""From an entry of the log to messages: their times, and what they are called."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from oneid.domain.envelopes import message_of, messages_of, settled
from oneid.domain.messages import parse_time

RECEIVED = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def at(minutes: float) -> str:
    """So many minutes after the arrival, as text."""
    return (RECEIVED + minutes * MINUTE).isoformat()


def item(**fields: Any) -> dict[str, Any]:
    return {"type": "track", "event": "E", "userId": "u", "messageId": "m", **fields}


def minutes_of(fields: dict[str, Any], sent_at: str | None = None) -> float:
    """Where the settled time lies, in minutes after the arrival."""
    return (message_of(item(**fields), RECEIVED, sent_at, "web").timestamp - RECEIVED) / MINUTE


@pytest.mark.parametrize(
    ("fields", "sent_at", "minutes"),
    [
        ({}, None, 0),
        ({}, at(-5), 0),
        ({"timestamp": at(-5)}, None, -5),
        ({"timestamp": at(-15), "sentAt": at(-10)}, None, -5),
        ({"timestamp": at(-15)}, at(-10), -5),
        ({"timestamp": at(-15), "sentAt": at(-12)}, at(-10), -3),
        ({"timestamp": at(-15), "sentAt": None}, at(-10), -5),
        ({"timestamp": at(-1), "originalTimestamp": at(-15)}, None, -15),
        ({"timestamp": at(-1), "originalTimestamp": at(-15)}, at(-10), -5),
        ({"timestamp": at(-1), "originalTimestamp": None}, None, -1),
        ({"timestamp": at(60)}, None, 60),
        ({"timestamp": at(60.001)}, None, 0),
        ({"timestamp": at(600), "sentAt": at(601)}, None, -1),
        ({"timestamp": at(0), "sentAt": at(-61)}, None, 0),
        ({"timestamp": "9999-12-31T23:59:59Z"}, None, 0),
    ],
    ids=[
        "no time",
        "only the batch's sentAt",
        "no sentAt",
        "a clock 10 minutes behind",
        "the batch's sentAt",
        "the item's sentAt over the batch's",
        "a null sentAt",
        "originalTimestamp over timestamp",
        "originalTimestamp, corrected",
        "a null originalTimestamp",
        "an hour ahead",
        "more than an hour ahead",
        "a clock that runs 10 hours ahead",
        "more than an hour ahead when corrected",
        "the end of all time",
    ],
)
def test_a_time_is_settled(fields: dict[str, Any], sent_at: str | None, minutes: float) -> None:
    assert minutes_of(fields, sent_at) == minutes


@pytest.mark.parametrize(
    ("sent", "sent_at"),
    [("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"), ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")],
)
def test_a_correction_beyond_all_time_is_the_arrival(sent: str, sent_at: str) -> None:
    assert settled(parse_time(sent), RECEIVED, sent_at) == RECEIVED


def test_what_the_client_wrote_is_kept_beside_the_settled_time() -> None:
    far = message_of(item(timestamp=at(600)), RECEIVED, None, "web")
    assert (far.timestamp, far.sent_timestamp) == (RECEIVED, RECEIVED + 600 * MINUTE)
    assert message_of(item(), RECEIVED, None, "web").sent_timestamp is None


def test_an_entrys_arrival_source_and_sent_at_hold_for_each_item() -> None:
    first, second = messages_of(
        {
            "receivedAt": at(0),
            "source": "web",
            "sentAt": at(-10),
            "items": [item(timestamp=at(-15)), item(timestamp=at(-11), messageId="n")],
        }
    )
    assert [first.timestamp, second.timestamp] == [RECEIVED - 5 * MINUTE, RECEIVED - MINUTE]
    assert {first.received_at, second.received_at} == {RECEIVED}
    assert (first.source, second.message_id) == ("web", "n")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2016-12-31t23:59:59z", "2016-12-31T23:59:59Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("2016-12-31t23:59:60.25z", "2017-01-01T00:00:00.250Z"),
        ("2017-01-01T07:59:60+08:00", "2017-01-01T00:00:00Z"),
        ("2017-01-01", "2017-01-01T00:00:00Z"),
    ],
)
def test_a_time_that_is_written_unusually_is_read(text: str, same: str) -> None:
    assert parse_time(text) == parse_time(same)


@pytest.mark.parametrize(
    "text", ["2016-12-31T23:59:61Z", "2016-02-30T23:59:60Z", "2016-12-31T23:60Z", ":60", ""]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_time(text)


@pytest.mark.parametrize("kind", ["page", "screen"])
@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"name": "Home"}, "Home"),
        ({"name": "Home", "properties": {"name": "Other"}}, "Home"),
        ({"properties": {"name": "Home", "path": "/"}}, "Home"),
        ({"name": "", "properties": {"name": "Home"}}, "Home"),
        ({"name": None, "properties": {"name": ""}}, None),
        ({"properties": {"name": 7}}, None),
        ({"properties": None}, None),
        ({"properties": []}, None),
        ({}, None),
    ],
)
def test_a_page_is_called_by_its_name_wherever_it_stands(
    kind: str, fields: dict[str, Any], name: str | None
) -> None:
    assert message_of(item(**fields) | {"type": kind}, RECEIVED, None, "web").name == (name or kind)


@pytest.mark.parametrize(("kind", "name"), [("track", "E"), ("identify", "identify"), ("group", "group")])
def test_other_messages_are_called_by_their_event_or_type(kind: str, name: str) -> None:
    named = item(name="Home", properties={"name": "Home"}) | {"type": kind}
    assert message_of(named, RECEIVED, None, "web").name == name
