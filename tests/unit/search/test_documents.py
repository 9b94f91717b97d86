"""Documents: the fields of the mappings, and back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from oneid.domain.customers import AttributeValue, CustomerRecord, LinkedIdentifier
from oneid.domain.identifiers import Identifier
from oneid.domain.messages import Message, StoredEvent
from search.documents import (
    EventDocument,
    ProfileDocument,
    event_document,
    names,
    numbers,
    profile_document,
    stored_event,
)
from search.indexes import definition

NOON = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
CUSTOMER = CustomerRecord(
    one_id="c1",
    version=3,
    sequence=7,
    created_at="2026-03-01T12:00:00.000Z",
    updated_at="2026-03-02T12:00:00.000Z",
    identifiers=(
        LinkedIdentifier(
            Identifier("phone", "+8613800138000"), "2026-03-01T12:00:00.000Z", "2026-03-04T12:00:00.000Z"
        ),
        LinkedIdentifier(
            Identifier("email", "a@b.cn"), "2026-03-01T12:00:00.000Z", "2026-03-03T12:00:00.000Z"
        ),
    ),
    attributes={
        "name": AttributeValue("张三", "2026-03-01T12:00:00.000Z", "web"),
        "gone": AttributeValue(None, "2026-03-01T12:00:00.000Z", "web"),
    },
    former_one_ids=("c9", "c8"),
)


@pytest.mark.parametrize(("name", "document"), [("profiles", ProfileDocument), ("events", EventDocument)])
def test_a_documents_fields_are_those_of_its_mapping(name: str, document: type[Any]) -> None:
    mapping = definition(name, shards=1)["mappings"]

    assert set(mapping["properties"]) == set(document.__annotations__)
    assert mapping["dynamic"] == "strict"


def event(**payload: Any) -> StoredEvent:
    message = Message("m1", "track", "Order", NOON, NOON + timedelta(seconds=1), None, "web", payload)
    return StoredEvent(message, "c1", ("user_id:u1",))


@pytest.mark.parametrize(
    "stored",
    [
        event(properties={"a": 1}),
        event(properties={"": None, "x": "y" * 5000}, channel="server"),
        replace(event(), one_id=None, identifiers=()),
        replace(event(), message=replace(event().message, sent_timestamp=NOON - timedelta(days=1))),
    ],
)
def test_an_event_comes_back_from_its_document_as_it_was(stored: StoredEvent) -> None:
    assert stored_event(event_document(stored)) == stored


def test_numeric_properties_are_kept_as_exact_decimals() -> None:
    properties = {
        "revenue": 11.77,
        "quantity": 2,
        "gift": True,
        "sku": "3",
        "list": [1],
        "tiny": 1e-7,
        "zero": 0.0,
    }

    assert numbers(properties) == ["revenue=11.77", "quantity=2", "tiny=1E-7", "zero=0.0"]


def test_a_profile_says_everything_a_search_needs() -> None:
    document = profile_document(CUSTOMER)

    assert document["identifiers"] == ["email:a@b.cn", "phone:+8613800138000"]
    assert document["identifierTypes"] == ["email", "phone"]
    assert document["searchable"] == ["c1", "c8", "c9", "a@b.cn", "+8613800138000"]
    assert document["names"] == ["张三"]
    assert document["attributes"] == {"name": "张三"}
    assert document.get("lastSeenAt") == "2026-03-04T12:00:00.000Z"


def test_the_hash_is_of_the_content_and_not_of_version_or_last_sight() -> None:
    seen = tuple(replace(linked, last_seen_at="2027-01-01T00:00:00.000Z") for linked in CUSTOMER.identifiers)
    content = profile_document(CUSTOMER)["hash"]

    assert profile_document(replace(CUSTOMER, version=9, identifiers=seen))["hash"] == content
    assert profile_document(replace(CUSTOMER, former_one_ids=("c8",)))["hash"] != content
    assert profile_document(replace(CUSTOMER, identifiers=CUSTOMER.identifiers[::-1]))["hash"] == content


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"name": "张三"}, ["张三"]),
        ({"firstName": "三", "lastName": "张"}, ["三 张", "张 三"]),
        (
            {"first_name": "Ada", "last_name": "Lovelace", "nickname": "ada"},
            ["ada", "Ada Lovelace", "Lovelace Ada"],
        ),
        ({"firstName": "Ada"}, ["Ada"]),
        ({"name": 7, "city": "上海"}, []),
    ],
)
def test_names_are_found_in_the_attributes_that_hold_them(
    attributes: dict[str, Any], expected: list[str]
) -> None:
    assert names(attributes) == expected
