"""Which messages are accepted, and what is said about the others."""

import zlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneid.domain.messages import MESSAGE_TYPES
from oneid.domain.validation import (
    BATCH_BYTES,
    EVENT_BYTES,
    Defaults,
    ValidItem,
    check_defaults,
    partition_of,
    strongest_identifier,
    validate,
)
from oneid.errors import InvalidInput, NobodyNamed, OneIdError, Required, TooLarge

TRACK: dict[str, Any] = {"type": "track", "event": "Order Completed", "userId": "u1"}


def track(**fields: Any) -> dict[str, Any]:
    return {**TRACK, **fields}


def nested(levels: int) -> dict[str, Any]:
    """A track call that is `levels` containers deep."""
    value: Any = "bottom"
    for level in range(levels - 2):
        value = {"deeper": value} if level % 2 else [value]
    return track(properties={"deep": value})


ACCEPTED: dict[str, dict[str, Any]] = {
    "a user id": track(),
    "a numeric user id": track(userId=12345),
    "a user id that is whole, written as a fraction": track(userId=12345.0),
    "a user id of 64 bits": track(userId=2**64 - 1, anonymousId=-(2**63)),
    "true and false, which are blocked later": track(userId=True, anonymousId=False),
    "a user id of zeros, which identifies nobody later": track(userId="00000"),
    "an empty user id, which is blocked later": track(userId=""),
    "an anonymous id beside a null user id": track(userId=None, anonymousId="a1"),
    "an email in traits only": {"type": "identify", "traits": {"email": "a@b.c"}},
    "an impossible phone, which is dropped later": {"type": "identify", "traits": {"phone": "12"}},
    "a numeric phone": {"type": "identify", "traits": {"phone": 13800138000}},
    "an email in context.traits only": {"type": "identify", "context": {"traits": {"email": "a@b.c"}}},
    "traits that somebody else collected": {"type": "identify", "userId": "u", "context": {"party": "THIRD"}},
    "an external id only": {
        "type": "page",
        "context": {"externalIds": [{"id": "o1", "type": "wechat_openid"}]},
    },
    "an external id of a type nobody declared": {
        "type": "page",
        "context": {"externalIds": [{"id": "x", "type": "loyalty"}]},
    },
    "a device id only": {"type": "screen", "context": {"device": {"id": "d1"}}},
    "an advertising id only": {"type": "screen", "context": {"device": {"advertisingId": "d1"}}},
    "a far-future timestamp": track(timestamp="9998-01-01T00:00:00Z"),
    "a time without zone": track(timestamp="2026-01-01T00:00:00"),
    "a day": track(timestamp="2026-01-01"),
    "a time without seconds": track(timestamp="2026-01-01T00:00+08:00"),
    "a time with a space and an offset without colon": track(timestamp="2026-01-01 00:00:00+0800"),
    "a time in lower case": track(timestamp="2026-01-01t00:00:00z"),
    "a leap second": track(timestamp="2016-12-31T23:59:60Z", sentAt="2016-12-31T23:59:60.5+00:00"),
    "a time with nanoseconds": track(timestamp="2026-01-01T00:00:00.123456789+08:00"),
    "null where an object may be": track(context=None, properties=None, integrations=None),
    "null external ids and device": track(context={"externalIds": None, "device": None, "traits": None}),
    "empty lists for objects, as PHP writes them": track(
        properties=[], traits=[], integrations=[], context={"traits": [], "device": []}
    ),
    "an empty list for the context": track(context=[]),
    "a page without a name": {"type": "page", "anonymousId": "a"},
    "a group": {"type": "group", "userId": "u", "groupId": 7, "traits": {"email": {"sales": "a@b.c"}}},
    "an alias": {"type": "alias", "previousId": "a", "userId": "u"},
    "text that looks like an escaped NUL": track(properties={"path": "C:\\u0000"}),
    "32 levels": nested(32),
    "Chinese text": track(properties={"name": "林女士"}),
}

REFUSED: dict[str, tuple[object, type[OneIdError], tuple[str, ...]]] = {
    "a party that there is not": (
        track(context={"party": "FOURTH"}),
        InvalidInput,
        ("context", "party"),
    ),
    "a party that is no text": (track(context={"party": ["FIRST"]}), InvalidInput, ("context", "party")),
    "no object": ([], InvalidInput, ()),
    "null": (None, InvalidInput, ()),
    "no type": ({"userId": "u"}, Required, ("type",)),
    "an unknown type": ({"type": "trick", "userId": "u"}, InvalidInput, ("type",)),
    "a type that is no text": ({"type": ["track"], "userId": "u"}, InvalidInput, ("type",)),
    "track without event": ({"type": "track", "userId": "u"}, Required, ("event",)),
    "track with a blank event": (track(event="  "), Required, ("event",)),
    "track with a number as event": (track(event=7), InvalidInput, ("event",)),
    "a page whose name is a list": ({"type": "page", "userId": "u", "name": []}, InvalidInput, ("name",)),
    "a group without groupId": ({"type": "group", "userId": "u"}, Required, ("groupId",)),
    "a group with a blank groupId": (
        {"type": "group", "userId": "u", "groupId": " "},
        Required,
        ("groupId",),
    ),
    "an alias with an empty previousId": (
        {"type": "alias", "previousId": "", "userId": "u"},
        Required,
        ("previousId",),
    ),
    "an alias with an empty userId": (
        {"type": "alias", "previousId": "a", "userId": ""},
        Required,
        ("userId",),
    ),
    "an alias without previousId": ({"type": "alias", "userId": "u"}, Required, ("previousId",)),
    "an alias without userId": ({"type": "alias", "previousId": "a"}, Required, ("userId",)),
    "nobody": ({"type": "page"}, NobodyNamed, ()),
    "nobody, with nulls": ({"type": "page", "userId": None, "anonymousId": None}, NobodyNamed, ()),
    "nobody, with empty lists": (
        {"type": "page", "traits": [], "context": {"traits": [], "device": []}},
        NobodyNamed,
        (),
    ),
    "nobody, with traits of a group": (
        {"type": "group", "groupId": "g", "traits": {"email": "a@b.c"}},
        NobodyNamed,
        (),
    ),
    "nobody, with an external id of an account": (
        {"type": "page", "context": {"externalIds": [{"id": "x", "type": "t", "collection": "accounts"}]}},
        NobodyNamed,
        (),
    ),
    "a user id with a fraction": (track(userId=1.5), InvalidInput, ("userId",)),
    "a user id beyond 64 bits": (track(userId=2**64), InvalidInput, ("userId",)),
    "a user id beyond what a fraction keeps": (track(userId=2.0**54), InvalidInput, ("userId",)),
    "a user id without end": (track(userId=float("inf")), InvalidInput, ("userId",)),
    "an object as user id": (track(userId={}), InvalidInput, ("userId",)),
    "a user id beyond any index": (track(userId="x" * 1025), InvalidInput, ("userId",)),
    "a list as anonymous id": (track(anonymousId=["a"]), InvalidInput, ("anonymousId",)),
    "properties that are a list": (track(properties=[1]), InvalidInput, ("properties",)),
    "traits that are text": (track(traits="x"), InvalidInput, ("traits",)),
    "context that is text": (track(context="x"), InvalidInput, ("context",)),
    "context.traits that are a list": (track(context={"traits": [1]}), InvalidInput, ("context", "traits")),
    "an email that is an object": (track(traits={"email": {}}), InvalidInput, ("traits", "email")),
    "a device that is text": (track(context={"device": "d"}), InvalidInput, ("context", "device")),
    "a device id that is a list": (
        track(context={"device": {"id": []}}),
        InvalidInput,
        ("context", "device", "id"),
    ),
    "externalIds that are an object": (
        track(context={"externalIds": {}}),
        InvalidInput,
        ("context", "externalIds"),
    ),
    "an external id that is text": (
        track(context={"externalIds": [{"id": "1", "type": "a"}, "x"]}),
        InvalidInput,
        ("context", "externalIds", "1"),
    ),
    "an external id that is an empty list": (
        track(context={"externalIds": [[]]}),
        InvalidInput,
        ("context", "externalIds", "0", "type"),
    ),
    "an external id without type": (
        track(context={"externalIds": [{"id": "x"}]}),
        InvalidInput,
        ("context", "externalIds", "0", "type"),
    ),
    "an external id that is a list": (
        track(context={"externalIds": [{"id": [], "type": "a"}]}),
        InvalidInput,
        ("context", "externalIds", "0", "id"),
    ),
    "verified that is text": (track(context={"verified": "phone"}), InvalidInput, ("context", "verified")),
    "a timestamp in milliseconds": (track(timestamp=1700000000000), InvalidInput, ("timestamp",)),
    "a timestamp in digits": (track(timestamp="20260101T000000Z"), InvalidInput, ("timestamp",)),
    "a timestamp by the week": (track(timestamp="2026-W01-1"), InvalidInput, ("timestamp",)),
    "a timestamp with a comma": (track(timestamp="2026-01-01T00:00:00,5Z"), InvalidInput, ("timestamp",)),
    "a timestamp at hour 24": (track(timestamp="2026-01-01T24:00:00Z"), InvalidInput, ("timestamp",)),
    "a timestamp at second 61": (track(timestamp="2026-01-01T00:00:61Z"), InvalidInput, ("timestamp",)),
    "a timestamp in other digits": (track(timestamp="٢٠٢٦-01-01"), InvalidInput, ("timestamp",)),
    "an empty timestamp": (track(timestamp=""), InvalidInput, ("timestamp",)),
    "a timestamp in words": (track(timestamp="yesterday"), InvalidInput, ("timestamp",)),
    "a timestamp before all time": (
        track(timestamp="0001-01-01T00:00:00+14:00"),
        InvalidInput,
        ("timestamp",),
    ),
    "a sentAt that is no time": (track(sentAt="soon"), InvalidInput, ("sentAt",)),
    "a messageId that is a number": (track(messageId=1), InvalidInput, ("messageId",)),
    "a messageId of 101 characters": (track(messageId="m" * 101), InvalidInput, ("messageId",)),
    "more than 32 KB": (track(properties={"x": "x" * EVENT_BYTES}), TooLarge, ()),
    "33 levels": (nested(33), InvalidInput, ()),
    "1,000 levels": (nested(1000), InvalidInput, ()),
    "a NUL in a value": (track(properties={"x": "a\0b"}), InvalidInput, ()),
    "a NUL in a key, far down": (track(properties={"x": [{"a\0": 1}]}), InvalidInput, ()),
    "a lone surrogate": (track(properties={"x": "\ud800"}), InvalidInput, ()),
    "a number beyond 64 bits": (track(properties={"x": 2**64}), InvalidInput, ()),
}


@pytest.mark.parametrize("item", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_an_acceptable_item_keeps_its_payload(item: dict[str, Any]) -> None:
    before = orjson.dumps(item)
    valid = validate(item)
    assert orjson.dumps(item) == before, "the caller's object was changed"
    assert orjson.loads(valid.data) == {**item, "messageId": valid.message_id}


@pytest.mark.parametrize(("item", "error", "field"), REFUSED.values(), ids=REFUSED.keys())
def test_an_unacceptable_item_is_refused_with_its_field(
    item: object, error: type[OneIdError], field: tuple[str, ...]
) -> None:
    with pytest.raises(error) as caught:
        validate(item)
    assert type(caught.value) is error
    assert caught.value.field == field
    assert caught.value.message


@pytest.mark.parametrize("given_id", [None, "", "   "])
def test_a_missing_message_id_is_assigned_anew_each_time(given_id: str | None) -> None:
    first, second = validate(track(messageId=given_id)), validate(track(messageId=given_id))
    assert len(first.message_id) == 36
    assert first.message_id != second.message_id


def test_a_message_id_is_trimmed_and_kept() -> None:
    assert validate(track(messageId=f"  {'m' * 100}\n")).message_id == "m" * 100


def test_the_largest_event_has_exactly_32_kb() -> None:
    overhead = len(validate(track(messageId="m", properties={"x": ""})).data)
    at_limit = track(messageId="m", properties={"x": "x" * (EVENT_BYTES - overhead)})
    assert len(validate(at_limit).data) == EVENT_BYTES
    with pytest.raises(TooLarge):
        validate(track(messageId="m", properties={"x": "x" * (EVENT_BYTES - overhead + 1)}))


def test_the_type_of_the_path_wins() -> None:
    assert validate(track(type="page"), Defaults(type="track")).item["type"] == "track"


def test_an_items_own_context_wins_over_the_batchs() -> None:
    defaults = Defaults(context={"ip": "1.1.1.1", "locale": "de"}, integrations={"All": True})
    item = validate(track(context={"locale": "zh"}, integrations={"All": False}), defaults).item
    assert item["context"] == {"ip": "1.1.1.1", "locale": "zh"}
    assert item["integrations"] == {"All": False}


def test_what_is_null_in_an_item_is_taken_from_the_batch() -> None:
    defaults = Defaults(context={"ip": "1.1.1.1"})
    item = validate(track(context={"ip": None, "locale": None}), defaults).item
    assert item["context"] == {"ip": "1.1.1.1", "locale": None}


def test_a_batchs_context_may_name_the_person() -> None:
    valid = validate({"type": "page"}, Defaults(context={"device": {"id": "d1"}}))
    assert valid.item["context"] == {"device": {"id": "d1"}}


def test_the_write_key_does_not_reach_the_log() -> None:
    assert b"writeKey" not in validate(track(writeKey="wk_secret")).data


@pytest.mark.parametrize(
    ("context", "integrations", "sent_at", "field"),
    [
        ("x", None, None, ("context",)),
        ({"device": [1]}, None, None, ("context", "device")),
        (None, [1], None, ("integrations",)),
        (None, None, "soon", ("sentAt",)),
    ],
)
def test_batch_level_fields_are_checked_like_an_items(
    context: object, integrations: object, sent_at: object, field: tuple[str, ...]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_defaults(context, integrations, sent_at)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (track(anonymousId="a"), "u1"),
        ({"anonymousId": "a", "context": {"externalIds": [{"id": 7, "type": "t"}]}}, "7"),
        ({"anonymousId": "a", "traits": {"phone": 138}}, "138"),
        (track(userId=12345.0), "12345"),
        (track(userId=" u1 "), "u1"),
        ({"context": {"device": {"id": "d"}, "traits": {"email": "e"}}}, "e"),
        ({"context": {"device": {"advertisingId": "ad"}}}, "ad"),
    ],
)
def test_the_strongest_identifier_decides_the_partition(item: dict[str, Any], text: str) -> None:
    assert strongest_identifier(item) == text
    assert partition_of(item, 1) == 0
    assert partition_of(item, 7) == zlib.crc32(text.encode()) % 7


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)
FIELDS = [
    "userId",
    "anonymousId",
    "previousId",
    "groupId",
    "event",
    "name",
    "messageId",
    "timestamp",
    "sentAt",
    "context",
    "traits",
    "properties",
    "integrations",
]
CONTEXT_FIELDS = ["traits", "device", "externalIds", "verified"]
contexts = st.dictionaries(st.sampled_from(CONTEXT_FIELDS), json_values)
fields = st.dictionaries(st.sampled_from(FIELDS), json_values | contexts)
types = st.sampled_from(sorted(MESSAGE_TYPES)) | json_values


@given(fields, types)
def test_whatever_comes_is_accepted_as_json_or_refused_with_a_reason(
    item: dict[str, Any], kind: object
) -> None:
    outcome = validated({**item, "type": kind})
    if isinstance(outcome, OneIdError):
        assert outcome.message
        assert all(isinstance(part, str) for part in outcome.field)
    else:
        assert orjson.loads(outcome.data)["messageId"] == outcome.message_id
        strongest_identifier(outcome.item)


def validated(item: dict[str, Any]) -> ValidItem | OneIdError:
    try:
        return validate(item)
    except OneIdError as error:
        return error


@given(json_values)
def test_nothing_but_an_object_is_an_event(value: object) -> None:
    if not isinstance(value, dict):
        with pytest.raises(InvalidInput):
            validate(value)


def test_the_limits_are_the_published_ones() -> None:
    assert (EVENT_BYTES, BATCH_BYTES) == (32_768, 512_000)
