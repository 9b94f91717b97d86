"""Whatever shape an accepted event has, the index takes it, and its mapping does not grow."""

import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oneid.domain.messages import StoredEvent
from oneid.domain.validation import EVENT_BYTES
from search.client import Search
from search.events import EventIndex
from search.indexes import IndexNames
from tests.integration.search.factories import event

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
LEAF = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
JSON: st.SearchStrategy[Any] = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=20
)
DEEP = 30


def nested(levels: int, leaf: Any) -> Any:
    for level in range(levels):
        leaf = {"n": leaf} if level % 2 else [leaf]
    return leaf


AWKWARD: dict[str, dict[str, Any]] = {
    "dots": {"a.b": 1, "a": {"b": 2}, ".": 1, "a..b": 2, ".c": 3, "d.": 4},
    "no name": {"": {"": {"": 1}}},
    "nulls": {"a": None, "b": [None], "c": [[None], {"d": None}]},
    "one name, several types": {"a": [1, "x", True, 1.5, None, {"b": 1}, [2]]},
    "a text as long as an event": {"a": "x" * (EVENT_BYTES - 200)},
    "Chinese as long as an event": {"a": "漢" * (EVENT_BYTES // 3 - 100)},
    "a name as long as an event": {"k" * (EVENT_BYTES - 200): 1},
    "deep": {"a": nested(DEEP, 1)},
    "deep and wide": {"a": nested(DEEP, ["x"] * 500)},
    "numbers": {
        "max": 2**63 - 1,
        "min": -(2**63),
        "big": 1.7e308,
        "small": 5e-324,
        "whole": 1e22,
        "zero": -0.0,
    },
    "bigger numbers": {"a": 10**30, "b": [10**400]},
    "looks like the mapping": {"properties": {"properties": 1}, "_value": 1, "_valueAndPath": "x=y"},
    "signs": {"a=b": "c=d", "*": "*", "a b": " ", "\n\t": "\u0001", "😀": "😀", '"': "\\"},
    "lists of lists": {"a": [[[[1]]], [], [[]], {}]},
    "numbers of one name": {"revenue": 5, "quantity": 5},
    "empty": {},
}


@pytest.mark.parametrize("shape", AWKWARD)
async def test_an_awkward_shape_is_stored_and_comes_back(events: EventIndex, shape: str) -> None:
    stored = event("m1", **AWKWARD[shape])

    assert await events.store([stored]) == []
    await events.refresh()

    found = (await events.get(["m1"]))["m1"]
    if shape != "bigger numbers":
        assert found == stored


async def test_any_properties_are_stored_and_come_back(events: EventIndex) -> None:
    batch: list[StoredEvent] = []

    @settings(max_examples=300, deadline=None, database=None)
    @given(st.dictionaries(TEXT, JSON, max_size=5))
    def collect(properties: dict[str, Any]) -> None:
        stored = event(uuid.uuid4().hex)
        stored.message.payload["properties"] = properties
        batch.append(stored)

    collect()
    assert await events.store(batch) == []
    await events.refresh()

    found = await events.get([stored.message.message_id for stored in batch])
    assert found == {stored.message.message_id: stored for stored in batch}


async def test_ten_thousand_property_names_add_no_field(
    search: Search, events: EventIndex, names: IndexNames
) -> None:
    before = await search.request("GET", f"/{names.events}/_mapping")
    shapes: list[dict[str, Any]] = [{f"name{i * 100 + j}": j for j in range(100)} for i in range(100)]
    batch = [event(f"m{i}", **shape) for i, shape in enumerate(shapes)]

    assert await events.store(batch) == []

    assert await search.request("GET", f"/{names.events}/_mapping") == before


@pytest.mark.parametrize("name", ["", "x" * 32_000, "漢" * 10_000, "😀" * 8_000])
async def test_any_event_name_is_stored(events: EventIndex, name: str) -> None:
    stored = event("m" * 100, name=name, source="漢" * 3000, channel=name or None)

    assert await events.store([stored]) == []
    await events.refresh()
    assert (await events.get(["m" * 100]))["m" * 100] == stored


async def test_an_identifier_as_long_as_an_event_is_stored(events: EventIndex) -> None:
    stored = StoredEvent(event("m1").message, "c1", ("user_id:" + "x" * 32_000,))

    assert await events.store([stored]) == []
