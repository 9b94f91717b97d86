"""The documents of both indexes. Their fields are those of `mappings/*.json`, which a test holds."""

import hashlib
from decimal import Decimal
from typing import Any, Final, NotRequired, TypedDict

from oneid.domain.attributes import Attributes
from oneid.domain.catalog import Catalog
from oneid.domain.consents import answers
from oneid.domain.customers import CustomerRecord
from oneid.domain.lifecycles import stage_intervals
from oneid.domain.messages import Item, Message, StoredEvent, format_time, parse_time
from oneid.domain.segments.conditions import Held
from oneid.domain.tags.assignments import tag_intervals
from oneid.domain.tags.scorers import Facts
from search.encoding import dumps
from search.flat import flatten
from search.segments.buckets import seed
from search.segments.holding import ranges
from search.typed import anniversaries, parties, typed_values, unchanged_dates

NAME_KEYS: Final = ("name", "fullName", "full_name", "displayName", "nickname", "nickName", "username")
GIVEN_KEYS: Final = ("firstName", "first_name", "givenName")
FAMILY_KEYS: Final = ("lastName", "last_name", "familyName")


class EventDocument(TypedDict):
    """One event. Times are RFC 3339. `sequence`: its place in the order of processing; `numbers`: each numeric
    property as "name=decimal", so that sums are exact; `identifiers`: the keys it named; `payload`: the message
    as it came, not indexed."""

    messageId: str
    type: str
    name: str
    timestamp: str
    receivedAt: str
    sentTimestamp: NotRequired[str]
    source: str
    channel: NotRequired[str]
    customer: NotRequired[str]
    sequence: int
    identifiers: list[str]
    properties: dict[str, Any]
    numbers: list[str]
    payload: Item


class ProfileDocument(TypedDict):
    """One customer. `searchable`: ONE-IDs and identifier values, whatever their type; `typed`: the declared
    attributes, by type and key; `parties`: who collected each of them, as "key=FIRST"; `anniversaries`: the day
    of each declared date, as "key=03-31"; `holds`: the intervals of timed conditions (`segments.holding`);
    `lists`: the segments of fixed members; `consents`: as "email/marketing=GRANTED" (`consents.answers`); `seed`: what
    random buckets are drawn from; `hash`: of the content, without the version and without lastSeenAt, which moves
    with every event."""

    oneId: str
    formerOneIds: list[str]
    sequence: int
    version: int
    hash: str
    createdAt: str
    updatedAt: str
    lastSeenAt: NotRequired[str]
    identifiers: list[str]
    identifierTypes: list[str]
    searchable: list[str]
    names: list[str]
    attributes: dict[str, Any]
    typed: dict[str, dict[str, Any]]
    parties: list[str]
    anniversaries: list[str]
    holds: list[dict[str, int]]
    lists: list[str]
    consents: list[str]
    seed: int


def event_document(event: StoredEvent) -> EventDocument:
    """What the event index keeps of an event."""
    message = event.message
    document = EventDocument(
        messageId=message.message_id,
        type=message.type,
        name=message.name,
        timestamp=format_time(message.timestamp),
        receivedAt=format_time(message.received_at),
        source=message.source,
        sequence=event.sequence,
        identifiers=list(event.identifiers),
        properties=flatten(message.properties),
        numbers=numbers(message.properties),
        payload=message.payload,
    )
    if message.sent_timestamp:
        document["sentTimestamp"] = format_time(message.sent_timestamp)
    if message.channel:
        document["channel"] = message.channel
    if event.one_id:
        document["customer"] = event.one_id
    return document


def stored_event(document: EventDocument) -> StoredEvent:
    """The event of a document: the inverse of `event_document`."""
    sent = document.get("sentTimestamp")
    message = Message(
        message_id=document["messageId"],
        type=document["type"],
        name=document["name"],
        timestamp=parse_time(document["timestamp"]),
        received_at=parse_time(document["receivedAt"]),
        sent_timestamp=parse_time(sent) if sent else None,
        source=document["source"],
        payload=document["payload"],
    )
    identifiers = tuple(document["identifiers"])
    return StoredEvent(message, document.get("customer"), identifiers, document.get("sequence") or 0)


def numbers(properties: dict[str, Any]) -> list[str]:
    """Each numeric property of the top level as "name=decimal", in the shortest form that reads back."""
    return [
        f"{name}={Decimal(repr(value))}"
        for name, value in properties.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]


NOTHING_DECLARED: Final = Catalog()


def profile_document(record: CustomerRecord, catalog: Catalog = NOTHING_DECLARED) -> ProfileDocument:
    """What the profile index keeps of a customer; times and identifiers as the graph has them, declared
    attributes also as the catalog has them."""
    seen = max((linked.last_seen_at for linked in record.identifiers), default=None)
    identifiers = sorted((linked.identifier for linked in record.identifiers), key=lambda found: found.key)
    attributes = {key: held.value for key, held in record.attributes.items() if held.value is not None}
    document = ProfileDocument(
        oneId=record.one_id,
        formerOneIds=sorted(record.former_one_ids),
        sequence=record.sequence,
        version=record.version,
        hash="",
        createdAt=record.created_at,
        updatedAt=record.updated_at,
        identifiers=[identifier.key for identifier in identifiers],
        identifierTypes=sorted({identifier.type for identifier in identifiers}),
        searchable=[record.one_id, *sorted(record.former_one_ids), *(found.value for found in identifiers)],
        names=names(attributes),
        attributes=flatten(attributes),
        typed=typed(record.attributes, catalog),
        parties=parties(record.attributes, catalog),
        anniversaries=anniversaries(record.attributes, catalog),
        holds=ranges(course_of(record, catalog)),
        lists=list(record.lists),
        consents=answers(record.consents),
        seed=seed(record.one_id),
    )
    document["hash"] = content_hash(document)
    if seen:
        document["lastSeenAt"] = seen
    return document


def typed(attributes: Attributes, catalog: Catalog) -> dict[str, dict[str, Any]]:
    """The declared attributes, and since when they are so."""
    values, unchanged = typed_values(attributes, catalog), unchanged_dates(attributes, catalog)
    return {**values, "date": {**values.get("date", {}), **unchanged}} if unchanged else values


def course_of(record: CustomerRecord, catalog: Catalog) -> Held:
    """Every interval of a customer by number: timed conditions, tags, stages of lifecycles."""
    values = {key: held.value for key, held in record.attributes.items() if held.value is not None}
    types = [linked.identifier.type for linked in record.identifiers]
    always: tuple[tuple[int, int | None], ...] = ((0, None),)
    earned = catalog.earned(Facts(values, types)) if catalog.scorers else []
    return {
        **record.held,
        **tag_intervals(record.tags),
        **stage_intervals(record.stages),
        **dict.fromkeys(earned, always),
    }


def content_hash(document: ProfileDocument) -> str:
    """SHA-256 of what a customer's document says, in canonical JSON."""
    content = {key: value for key, value in document.items() if key not in ("hash", "version", "lastSeenAt")}
    return hashlib.sha256(dumps(content, sort_keys=True)).hexdigest()


def names(attributes: dict[str, Any]) -> list[str]:
    """What a person is called: whole names, and given and family name in both orders, since Chinese puts the
    family first and writes no space."""
    given, family = _first(attributes, GIVEN_KEYS), _first(attributes, FAMILY_KEYS)
    whole = [attributes[key] for key in NAME_KEYS if isinstance(attributes.get(key), str)]
    if given and family:
        return [*whole, f"{given} {family}", f"{family} {given}"]
    return [*whole, *(part for part in (given, family) if part)]


def _first(attributes: dict[str, Any], keys: tuple[str, ...]) -> str | None:
    return next((attributes[key] for key in keys if isinstance(attributes.get(key), str)), None)
