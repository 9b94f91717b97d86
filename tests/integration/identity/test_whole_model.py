"""Random programs of everything that can happen to identities, checked after each step against an independent
reference: events, other rules, unlink, split, merge, erase, suppress, reprocess, crash and redelivery."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from graph import partitions
from graph.customers import Customers
from graph.rules import RulesStore
from oneid.bootstrap import Stores, erasure, rebuilding, stewardship
from oneid.domain.identifiers import Identifier
from oneid.domain.rules import RulesChange, TypeChange
from oneid.services.stewardship import Split
from tests.integration.identity.test_reprocessing import reprocess
from tests.pipeline import START, Pipeline, event, open_pipeline, service_of
from tests.reference import LIMITS, Key
from tests.reference_acts import Steward

KINDS = ["user_id", "email", "device_id"]
KEYS = st.tuples(st.sampled_from(KINDS), st.integers(1, 5))
EVENTS = st.lists(KEYS, min_size=1, max_size=3, unique=True)
STEPS = st.one_of(
    *(st.tuples(st.just("ingest"), EVENTS) for _ in range(5)),
    st.tuples(st.just("redeliver"), EVENTS),
    st.tuples(st.just("rules"), st.integers(0, 2)),
    st.tuples(st.just("unlink"), KEYS),
    st.tuples(st.just("split"), st.integers(0, 1_000), st.booleans()),
    st.tuples(st.just("merge"), st.integers(0, 1_000)),
    st.tuples(st.just("erase"), st.integers(0, 1_000), st.booleans()),
    st.tuples(st.just("reprocess")),
)
Step = tuple[Any, ...]


def text(key: tuple[str, int]) -> Key:
    kind, number = key
    return (kind, f"{number}@x.cn" if kind == "email" else f"{kind[0]}{number}")


@dataclass
class World:
    """The product and the reference, side by side. `names`: the reference's number of each ONE-ID ever answered;
    after a reprocessing the numbers are new, and only who is one with whom is compared."""

    pipeline: Pipeline
    model: Steward = field(default_factory=lambda: Steward(dict(LIMITS)))
    names: dict[str, int] = field(default_factory=dict[str, int])
    erased: set[str] = field(default_factory=set[str])
    numbered: bool = True
    count: int = 0

    async def do(self, step: Step) -> None:
        name, *arguments = step
        acts: dict[str, Callable[..., Awaitable[None]]] = {
            "ingest": self.ingest,
            "redeliver": self.redeliver,
            "rules": self.rules,
            "unlink": self.unlink,
            "split": self.split,
            "merge": self.merge,
            "erase": self.erase,
            "reprocess": self.reprocess,
        }
        await acts[name](*arguments)
        await self.check()

    def told(self, numbers: list[tuple[str, int]]) -> tuple[dict[str, Any], list[Key]]:
        keys = [text(key) for key in numbers]
        first = next((value for kind, value in keys if kind == "user_id"), None)
        others = [{"type": kind, "id": value} for kind, value in keys if value != first or kind != "user_id"]
        extra = {"userId": first} if first else {}
        return event(extra=extra, context={"externalIds": others}), keys

    async def append(self, numbers: list[tuple[str, int]]) -> list[Key]:
        """Received now: what is received before an erasure does not count after it."""
        item, keys = self.told(numbers)
        await self.pipeline.append([item], received=self.pipeline.stores.clock.now())
        return keys

    async def ingest(self, numbers: list[tuple[str, int]]) -> None:
        keys = await self.append(numbers)
        (received,) = await self.pipeline.drain()
        self.note(received.one_id, keys)

    async def redeliver(self, numbers: list[tuple[str, int]]) -> None:
        """The consumer dies after the commit; the next one gets the same entry again."""
        keys = await self.append(numbers)
        entries = await self.pipeline.stores.log.read(0, self.pipeline.holder, 10, 1)
        await self.pipeline.service.apply(entries)
        self.count += 1
        stores, holder = self.pipeline.stores, f"test{self.count}"
        await partitions.take(stores.graph, 0, holder)
        self.pipeline = Pipeline(stores, service_of(stores, holder), holder)
        (received,) = await self.pipeline.service.apply(entries)
        await self.pipeline.service.store([received])
        await self.pipeline.service.finish(entries, [received])
        self.note(received.one_id, keys)

    def note(self, one_id: str | None, keys: list[Key]) -> None:
        at = START + timedelta(seconds=len(self.model.log))
        born = self.model.ingest(keys, at)
        assert (one_id is None) == (born is None)
        if one_id and born is not None:
            self.names.setdefault(one_id, born)
            assert not self.numbered or self.model.current(self.names[one_id]) == self.model.current(born)

    async def rules(self, limit: int) -> None:
        change = RulesChange(types=tuple(TypeChange(kind, limit=limit) for kind in ("user_id", "device_id")))
        await RulesStore(self.pipeline.stores.graph).change(change.apply)
        self.model.limits.update(user_id=limit, device_id=limit)

    async def unlink(self, number: tuple[str, int]) -> None:
        key = text(number)
        if self.model.owner(key):
            await stewardship(self.pipeline.stores).unlink(Identifier(*key), None)
            self.model.unlink(key)

    async def split(self, chance: int, sticky: bool) -> None:
        whole = [person for person in self.model.people if len(person.keys) > 1]
        if whole:
            person = whole[chance % len(whole)]
            keys = sorted(person.keys)
            part = set(random.Random(chance).sample(keys, 1 + chance % (len(keys) - 1)))
            one_id = await self.one_id(keys[0])
            split = Split(one_id, [Identifier(*key) for key in sorted(part)], sticky)
            kept, off = await stewardship(self.pipeline.stores).split(split)
            numbers = self.model.split(person, part, sticky=sticky)
            for known, number in zip((kept, off), numbers, strict=True):
                self.names.setdefault(known, number)
                assert not self.numbered or self.names[known] == number

    async def merge(self, chance: int) -> None:
        people = [person for person in self.model.people if person.keys]
        if len(people) > 1:
            into, other = random.Random(chance).sample(people, 2)
            ids = [await self.one_id(min(person.keys)) for person in (into, other)]
            assert await stewardship(self.pipeline.stores).merge(ids[0], ids[1:], None) == ids[0]
            self.model.merge(into, other)

    async def erase(self, chance: int, suppress: bool) -> None:
        people = [person for person in self.model.people if person.keys]
        if people:
            person = people[chance % len(people)]
            one_id = await self.one_id(min(person.keys))
            record = await self.pipeline.customer(one_id)
            self.erased |= {one_id, *record.former_one_ids}
            await erasure(self.pipeline.stores, "CN").erase(one_id, suppress=suppress)
            self.model.erase(person, suppress=suppress)

    async def reprocess(self) -> None:
        await reprocess(self.pipeline.stores)
        self.model = self.model.again()
        self.numbered = False

    async def one_id(self, key: Key) -> str:
        found = await self.pipeline.owner(*key)
        assert found
        return found

    async def check(self) -> None:
        await rebuilding(self.pipeline.stores).run_once()
        graph = self.pipeline.stores.graph
        rows = await graph.read(
            "test",
            "MATCH (i:Identifier)-[:IDENTIFIES]->(c) RETURN c.oneId AS id, collect([i.type, i.value]) AS keys",
        )
        parts = {frozenset((kind, value) for kind, value in row["keys"]) for row in rows}
        assert parts == {frozenset(person.keys) for person in self.model.people if person.keys}
        found = await Customers(graph).by_one_ids(list(self.names))
        assert set(found) == set(self.names) - self.erased
        if self.numbered:
            numbers = {
                record.one_id: self.model.current(self.names[asked]) for asked, record in found.items()
            }
            assert len(set(numbers.values())) == len(numbers)
            for asked, record in found.items():
                assert numbers[record.one_id] == self.model.current(self.names[asked])


async def wipe(stores: Stores) -> None:
    await stores.graph.write(
        "test.wipe", "MATCH (n) WHERE NOT n:Migration AND NOT n:MigrationLock DETACH DELETE n"
    )
    await stores.redis.flushdb()
    await stores.events.refresh()
    everything: dict[str, Any] = {"query": {"match_all": {}}}
    await stores.search.request(
        "POST", "/oneid-events/_delete_by_query", everything, params={"refresh": True}
    )


async def run(stores: Stores, steps: list[Step]) -> None:
    await wipe(stores)
    world = World(await open_pipeline(stores))
    for step in steps:
        await world.do(step)


PROGRAMS = st.lists(STEPS, min_size=4, max_size=14)
USUAL = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
BOTH = ("ingest", [("user_id", 1), ("device_id", 3)])
ALL = ("ingest", [("user_id", 1), ("device_id", 3), ("email", 1)])


@pytest.mark.timeout(600)
@settings(USUAL, max_examples=60, derandomize=True)
@given(PROGRAMS)
@example([BOTH, ("split", 281, True), ("erase", 0, False), ("reprocess",)])
@example([ALL, ("split", 281, True), ("ingest", [("device_id", 3)]), ("erase", 0, False), ("reprocess",)])
@example([BOTH, ("split", 281, True), ("erase", 0, True), ("ingest", [("device_id", 3)]), ("reprocess",)])
async def test_whatever_happens_the_customers_are_those_of_the_reference(
    clean: None, stores: Stores, steps: list[Step]
) -> None:
    """Always the same programs: a change is judged by what it changes. New ones are drawn by the long form."""
    await run(stores, steps)


@pytest.mark.faults
@pytest.mark.timeout(3600)
@settings(USUAL, max_examples=1_000)
@given(PROGRAMS)
async def test_whatever_else_happens_they_are_too(clean: None, stores: Stores, steps: list[Step]) -> None:
    await run(stores, steps)
