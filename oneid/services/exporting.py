"""A person's own copy: everything held about one customer, with where it comes from, a JSON object a line.

Each object says in `kind` what it is: customer, identifier, attribute, formerOneId, condition, decision, accepted (on
its way to be an event), event, deadLetter, or a kind of attached data.
"""

from collections.abc import AsyncIterator, Collection, Iterator
from dataclasses import asdict, replace
from typing import Any, Final

import orjson

from graph.attribute_catalog import AttributeCatalog
from graph.conditions import Conditions
from graph.customers import Customers
from graph.decisions import DecisionLog
from graph.exports import AttachedData
from graph.projection import Projections
from graph.rules import RulesStore
from oneid.domain.catalog import Catalog
from oneid.domain.customers import CustomerRecord
from oneid.domain.decisions import Decision, DecisionKind
from oneid.domain.envelopes import messages_of
from oneid.domain.identifiers import Identifier
from oneid.domain.messages import Envelope, StoredEvent, format_time
from oneid.domain.segments.conditions import written
from oneid.domain.tombstones import keys_named
from oneid.errors import NotFound
from oneid.log.dead_letters import DeadLetter, DeadLetters
from oneid.log.events import EventLog
from oneid.services.operation_run import Run
from search.replays import Replays

KIND: Final = "exportCustomer"
"""The kind of the operation; its input is {oneId}."""

MEDIA_TYPE: Final = "application/x-ndjson"
PAGE: Final = 1_000
ENTRIES: Final = 20
"""Each may be as large as a request."""

Line = dict[str, Any]


class CustomerExport:
    """Writes the copy as the file of an operation."""

    def __init__(
        self,
        customers: Customers,
        decisions: DecisionLog,
        attached: AttachedData,
        replays: Replays,
        log: EventLog,
        letters: DeadLetters,
        conditions: Conditions,
        projections: Projections,
        catalog: AttributeCatalog,
        rules: RulesStore,
        region: str,
    ) -> None:
        self._customers = customers
        self._decisions = decisions
        self._attached = attached
        self._replays = replays
        self._log = log
        self._letters = letters
        self._conditions = conditions
        self._projections = projections
        self._catalog = catalog
        self._rules = rules
        self._region = region

    async def handle(self, run: Run) -> dict[str, Any]:
        """The operation. Raises NotFound if the customer is gone, also when it goes meanwhile."""
        asked: str = run.input["oneId"]
        record = await self._record(asked)
        counts: dict[str, int] = {}
        await run.keep(f"customer-{record.one_id}.ndjson", MEDIA_TYPE, self._counted(run, record, counts))
        await self._record(asked)
        return {"oneId": record.one_id, "lines": counts}

    async def _record(self, one_id: str) -> CustomerRecord:
        record = (await self._customers.by_one_ids([one_id])).get(one_id)
        if record is None:
            raise NotFound("there is no such customer")
        return record

    async def _counted(
        self, run: Run, record: CustomerRecord, counts: dict[str, int]
    ) -> AsyncIterator[bytes]:
        async for line in self._lines(record):
            counts[line["kind"]] = counts.get(line["kind"], 0) + 1
            yield orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
            await run.progress(sum(counts.values()))

    async def _lines(self, record: CustomerRecord) -> AsyncIterator[Line]:
        one_ids = [record.one_id, *record.former_one_ids]
        for line in customer_lines(record, await self._catalog.current()):
            yield line
        for line in await self._conditions_of(record):
            yield line
        had = set[Identifier]()
        async for decision in self._decisions_of(one_ids):
            yield decision_line(own_part(decision, one_ids, had))
        async for name, data in self._attached.of(one_ids):
            yield {"kind": name, **data}
        async for line in self._messages_of(record):
            yield line

    async def _messages_of(self, record: CustomerRecord) -> AsyncIterator[Line]:
        """The log before the index: what goes from one to the other meanwhile is told twice rather than never."""
        rules = await self._rules.current()
        keys = {linked.identifier.key for linked in record.identifiers}
        for partition in range(self._log.partitions):
            async for envelope in self._accepted(partition):
                for message in messages_of(envelope):
                    if keys & keys_named(message, rules, self._region):
                        yield {"kind": "accepted", **envelope, "items": [message.payload]}
        async for event in self._events_of([record.one_id, *record.former_one_ids]):
            yield event_line(event)
        async for letter in self._dead_letters():
            (message,) = messages_of(letter.envelope)
            if keys & keys_named(message, rules, self._region):
                yield {"kind": "deadLetter", "reason": letter.reason, "at": letter.at, **letter.envelope}

    async def _accepted(self, partition: int) -> AsyncIterator[Envelope]:
        """What waits in the log to be resolved."""
        after: str | None = None
        while entries := await self._log.page(partition, ENTRIES, after):
            for entry in entries:
                yield orjson.loads(entry.body)
            after = entries[-1].id

    async def _conditions_of(self, record: CustomerRecord) -> list[Line]:
        """When conditions of segments held, as it was computed from the person's events."""
        known = {condition.number: condition.rule for condition in (await self._conditions.all()).conditions}
        return [
            {"kind": "condition", "rule": written(known[number]), "intervals": intervals}
            for current in await self._projections.among([record.one_id])
            for number, intervals in sorted(current.record.held.items())
            if number in known
        ]

    async def _decisions_of(self, one_ids: list[str]) -> AsyncIterator[Decision]:
        after = 0
        while page := await self._decisions.page(PAGE, after, one_ids=one_ids):
            for decision in page:
                yield decision
            after = page[-1].sequence

    async def _events_of(self, one_ids: list[str]) -> AsyncIterator[StoredEvent]:
        """Each once: while a merge is being re-homed an event may lie in two places."""
        seen: set[str] = set()
        await self._replays.refresh()
        async for page in self._replays.pages(one_ids=one_ids):
            for event in page:
                if event.message.message_id not in seen:
                    seen.add(event.message.message_id)
                    yield event

    async def _dead_letters(self) -> AsyncIterator[DeadLetter]:
        after: str | None = None
        while letters := await self._letters.page(PAGE, after):
            for letter in letters:
                yield letter
            after = letters[-1].id


def customer_lines(record: CustomerRecord, catalog: Catalog) -> Iterator[Line]:
    """What the customer's own node and its identifiers say. `by`: the identifier that a value was written by;
    `computedFrom`: the events that it adds up."""
    yield {
        "kind": "customer",
        "oneId": record.one_id,
        "version": record.version,
        "createdAt": record.created_at,
        "updatedAt": record.updated_at,
    }
    for linked in record.identifiers:
        yield {
            "kind": "identifier",
            **named(linked.identifier),
            "firstSeenAt": linked.first_seen_at,
            "lastSeenAt": linked.last_seen_at,
            "verified": linked.verified,
            "source": linked.source,
        }
    for key, held in sorted(record.attributes.items()):
        yield {
            "kind": "attribute",
            "key": key,
            "value": held.value,
            "updatedAt": held.updated_at,
            "unchangedSince": held.unchanged_since,
            "source": held.source,
            "party": held.party.name,
            "by": named(Identifier.from_key(held.identifier)) if held.identifier else None,
            "computedFrom": asdict(catalog.computed[key]) if key in catalog.computed else None,
        }
    for one_id in record.former_one_ids:
        yield {"kind": "formerOneId", "oneId": one_id}


def own_part(decision: Decision, one_ids: Collection[str], had: set[Identifier]) -> Decision:
    """A decision without what it says of another customer: who was split off, or lost an identifier to somebody,
    sees none of theirs. `had` gathers what the person has had so far."""
    if decision.one_id in one_ids:
        had.update(decision.kept)
        return decision
    had.update(decision.dropped if decision.kind is DecisionKind.SPLIT else ())
    return replace(decision, kept=tuple(identifier for identifier in decision.kept if identifier in had))


def decision_line(decision: Decision) -> Line:
    return {
        "kind": "decision",
        "decision": str(decision.kind),
        "at": decision.at,
        "messageId": decision.message_id,
        "ruleVersion": decision.rule_version,
        "oneId": decision.one_id,
        "mergedOneIds": list(decision.merged_one_ids),
        "kept": [named(identifier) for identifier in decision.kept],
        "dropped": [named(identifier) for identifier in decision.dropped],
        "manual": decision.manual,
        "reason": decision.reason,
    }


def event_line(event: StoredEvent) -> Line:
    message = event.message
    return {
        "kind": "event",
        "messageId": message.message_id,
        "type": message.type,
        "name": message.name,
        "timestamp": format_time(message.timestamp),
        "receivedAt": format_time(message.received_at),
        "source": message.source,
        "identifiers": [named(Identifier.from_key(key)) for key in event.identifiers],
        "payload": message.payload,
    }


def named(identifier: Identifier) -> dict[str, str]:
    return {"type": identifier.type, "value": identifier.value}
