"""The path from the log to the stores, driven step by step in the test's own process."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from graph import partitions
from graph.customers import Customers
from graph.decisions import DecisionLog
from oneid.bootstrap import Stores, rebuilding
from oneid.domain.customers import CustomerRecord
from oneid.domain.decisions import Decision
from oneid.domain.identifiers import Identifier
from oneid.domain.messages import Item, format_time
from oneid.log.events import Entry
from oneid.services.received import Received
from oneid.services.resolution import ResolutionService

_numbers = itertools.count(1)
START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


def event(**named: Any) -> Item:
    """A message that names what is given: user, anonymous, or an external id type such as phone="1380..."."""
    number = next(_numbers)
    extra = named.pop("extra", {})
    context: dict[str, Any] = {**named.pop("context", {})}
    item: Item = {
        "type": named.pop("kind", "track"),
        "messageId": named.pop("message_id", f"m{number}"),
        **extra,
    }
    if item["type"] == "track":
        item.setdefault("event", "Seen")
    item["timestamp"] = format_time(named.pop("at", START + timedelta(seconds=number)))
    for kind, field in (("user_id", "userId"), ("anonymous_id", "anonymousId")):
        if kind in named:
            item[field] = named.pop(kind)
    external = [
        {"id": value, "type": kind}
        for kind, values in named.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    return {**item, "context": {"externalIds": external, **context}}


def envelope(items: Sequence[Item], received: datetime | None = None) -> bytes:
    """The body of a log entry."""
    at = format_time(received or START + timedelta(hours=1))
    return orjson.dumps({"receivedAt": at, "source": "test", "sentAt": None, "items": list(items)})


class Pipeline:
    """Appends to the log and resolves what is there, as the consumer does."""

    def __init__(self, stores: Stores, service: ResolutionService, holder: str) -> None:
        self.stores = stores
        self.service = service
        self.holder = holder

    async def append(self, items: Sequence[Item], received: datetime | None = None) -> None:
        await self.stores.log.append([(0, envelope(items, received))])

    async def drain(self, count: int = 1000) -> list[Received]:
        done = list[Received]()
        while entries := await self.stores.log.read(0, self.holder, count, 1):
            done += await self.process(entries)
        return done

    async def process(self, entries: Sequence[Entry]) -> list[Received]:
        batch = await self.service.apply(entries)
        while self.service.waiting:
            await self.service.store(batch)
            await rebuilding(self.stores).run_once()
            await self.service.attribute_again(batch)
            await self.service.resume(batch)
        await self.service.store(batch)
        await self.service.finish(entries, batch)
        return batch

    async def ingest(self, *items: Item) -> list[str | None]:
        """One entry an event, resolved one after the other; the ONE-ID of each."""
        answers = list[str | None]()
        for item in items:
            await self.append([item])
            answers += [received.one_id for received in await self.drain()]
        return answers

    async def customer(self, one_id: str | None) -> CustomerRecord:
        assert one_id is not None
        return (await Customers(self.stores.graph).by_one_ids([one_id]))[one_id]

    async def owner(self, kind: str, value: str) -> str | None:
        found = await Customers(self.stores.graph).by_identifiers([Identifier(kind, value)])
        return next((record.one_id for record in found.values()), None)

    async def keys(self, one_id: str | None) -> set[str]:
        return {linked.identifier.key for linked in (await self.customer(one_id)).identifiers}

    async def decisions(self, message_id: str) -> list[Decision]:
        return await DecisionLog(self.stores.graph).page(100, message_id=message_id)


def service_of(stores: Stores, holder: str, partition: int = 0) -> ResolutionService:
    return ResolutionService(
        stores.graph,
        stores.log,
        stores.events,
        stores.clock,
        partition=partition,
        holder=holder,
        region="CN",
        dedupe_seconds=86_400,
    )


async def open_pipeline(stores: Stores, holder: str = "test") -> Pipeline:
    await stores.log.ensure_group(0)
    await partitions.take(stores.graph, 0, holder)
    return Pipeline(stores, service_of(stores, holder), holder)
