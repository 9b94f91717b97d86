"""Many at once: any interleaving gives what some serial order would."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import uuid4

import orjson
import pytest
from neo4j import AsyncManagedTransaction

from graph import identity, partitions
from graph.client import Graph
from graph.conditions import MARK_TOLD
from graph.customers import Customers
from graph.rules import RulesStore
from oneid.bootstrap import Stores
from oneid.domain.identifiers import Identifier
from oneid.domain.messages import Item, format_time
from oneid.domain.rules import DEFAULT_TYPES, RulesChange, TypeChange
from oneid.domain.workspace import Workspace
from oneid.log.events import Entry
from oneid.services.resolution import ResolutionService
from oneid.services.upserts import Upsert, UpsertService
from tests.pipeline import START, event, service_of
from tests.reference import Key, components

pytestmark = pytest.mark.usefixtures("clean")
ROUNDS = 1000
_entries = itertools.count(1)


def entry(items: Sequence[Item]) -> Entry:
    envelope = {"receivedAt": format_time(START), "source": "test", "sentAt": None, "items": list(items)}
    return Entry(f"{next(_entries)}-0", orjson.dumps(envelope), None)


async def workers(stores: Stores, count: int) -> list[ResolutionService]:
    """One service a partition, each with its partition taken."""
    for number in range(count):
        await partitions.take(stores.graph, number, f"worker-{number}")
    return [service_of(stores, f"worker-{number}", number) for number in range(count)]


async def unlimited(graph: Graph) -> None:
    types = tuple(TypeChange(rule.type, limit=0) for rule in DEFAULT_TYPES)
    await RulesStore(graph).change(RulesChange(types=types).apply)


async def partition_of(graph: Graph, keys: Sequence[Key]) -> set[frozenset[Key]]:
    found = await Customers(graph).by_identifiers([Identifier(*key) for key in keys])
    return {
        frozenset((linked.identifier.type, linked.identifier.value) for linked in record.identifiers)
        for record in found.values()
    }


@pytest.mark.parametrize("what", ["nobody's identifier", "customer"])
async def test_who_reads_what_another_has_read_waits_until_that_one_is_done(
    stores: Stores, what: str
) -> None:
    owner, _ = await UpsertService(stores.graph, stores.clock, "CN").upsert(Upsert([("user_id", "u1")]))
    await stores.graph.write("test.make", "CREATE (:Identifier {key: 'user_id:u2'})")
    first, second, goes_on = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def read(has_read: asyncio.Event, then: asyncio.Event) -> None:
        async def work(tx: AsyncManagedTransaction) -> None:
            space = Workspace(lambda: "")
            if what == "nobody's identifier":
                await identity.load(tx, ["user_id:u2"], space)
            else:
                await identity.load_customers(tx, [owner], space)
            has_read.set()
            await then.wait()

        await stores.graph.transact("test.read", work)

    earlier = asyncio.create_task(read(first, goes_on))
    await first.wait()
    later = asyncio.create_task(read(second, first))
    await asyncio.sleep(0.5)
    assert not second.is_set()
    goes_on.set()
    await asyncio.gather(earlier, later)


async def meet(graph: Graph, *works: Callable[[AsyncManagedTransaction], Awaitable[Any]]) -> None:
    """Commits none of these transactions before each has done its work. Fails if one waits for another."""
    met = asyncio.Barrier(len(works))

    async def commit(work: Callable[[AsyncManagedTransaction], Awaitable[Any]]) -> None:
        async def both(tx: AsyncManagedTransaction) -> None:
            await work(tx)
            async with asyncio.timeout(10):
                await met.wait()

        await graph.transact("test.meet", both)

    await asyncio.gather(*map(commit, works))


async def test_a_partition_waits_for_no_other_one(stores: Stores) -> None:
    await workers(stores, 2)
    await meet(
        stores.graph,
        lambda tx: partitions.enter(tx, 0, "worker-0", 1),
        lambda tx: partitions.enter(tx, 1, "worker-1", 1),
    )


async def test_who_marks_what_was_told_waits_for_nobody_while_there_are_no_conditions(stores: Stores) -> None:
    async def mark(tx: AsyncManagedTransaction) -> None:
        await (await tx.run(MARK_TOLD, rows=[], sequence=1)).consume()

    await meet(stores.graph, mark, mark)


async def test_fifty_parallel_first_sightings_make_one_customer(stores: Stores) -> None:
    upserts = UpsertService(stores.graph, stores.clock, "CN")
    same = Upsert(identifiers=[("user_id", "u1"), ("phone", "13800138000")], set={"city": "Shanghai"})
    answers = await asyncio.gather(*(upserts.upsert(same) for _ in range(50)))
    assert len({one_id for one_id, _ in answers}) == 1
    assert sum(created for _, created in answers) == 1
    rows = await stores.graph.read("test", "MATCH (c:Customer) RETURN count(c) AS n, max(c.version) AS v")
    assert rows == [{"n": 1, "v": 50}]


async def test_increments_in_parallel_all_count(stores: Stores) -> None:
    upserts = UpsertService(stores.graph, stores.clock, "CN")
    one = Upsert(identifiers=[("user_id", "u1")], increment={"visits": 1})
    answers = await asyncio.gather(*(upserts.upsert(one) for _ in range(30)))
    record = (await Customers(stores.graph).by_one_ids([answers[0][0]]))[answers[0][0]]
    assert record.attributes["visits"].value == 30


async def test_two_logins_racing_on_a_new_device_are_two_customers(stores: Stores) -> None:
    first, second = await workers(stores, 2)
    await asyncio.gather(
        first.apply([entry([event(user_id="u1", device_id="new")])]),
        second.apply([entry([event(user_id="u2", device_id="new")])]),
    )
    keys: list[Key] = [("user_id", "u1"), ("user_id", "u2"), ("device_id", "new")]
    groups = await partition_of(stores.graph, keys)
    assert sorted(map(len, groups)) == [1, 2]


async def test_a_thousand_crossing_merges_leave_one_customer_each_and_no_cycle(stores: Stores) -> None:
    first, second, setup = await workers(stores, 3)
    rounds = [(f"a{n}", f"b{n}", f"c{n}") for n in range(ROUNDS)]
    lone = [event(member_card=card) for cards in rounds for card in cards]
    await setup.apply([entry(lone)])
    for slice_ in slices(rounds, 50):
        left = [event(member_card=[a, b]) for a, b, _ in slice_]
        right = [event(member_card=[c, b]) for _, b, c in slice_]
        random.Random(1).shuffle(left)
        random.Random(2).shuffle(right)
        await asyncio.gather(first.apply([entry(left)]), second.apply([entry(right)]))
    cards: list[Key] = [("member_card", card) for cards in rounds for card in cards]
    groups = await partition_of(stores.graph, cards)
    assert groups == {frozenset(("member_card", card) for card in cards) for cards in rounds}
    rows = await stores.graph.read("test", REDIRECTS)
    assert rows == [{"merged": 2 * ROUNDS, "direct": 2 * ROUNDS}]


REDIRECTS = """
MATCH (m:Merged) OPTIONAL MATCH (m)-[:MERGED_INTO]->(c:Customer) WHERE NOT c:Merged
RETURN count(DISTINCT m) AS merged, count(c) AS direct
"""


def slices(rounds: list[tuple[str, str, str]], size: int) -> list[list[tuple[str, str, str]]]:
    return [rounds[start : start + size] for start in range(0, len(rounds), size)]


@pytest.mark.parametrize("seed", range(8))
async def test_random_links_in_any_batches_by_any_number_of_workers_give_the_components(
    stores: Stores, seed: int
) -> None:
    rng, run = random.Random(seed), uuid4().hex[:6]
    await unlimited(stores.graph)
    services = await workers(stores, rng.choice([1, 2, 4]))
    kinds = ["user_id", "email", "device_id", "member_card"]
    pool: list[Key] = [(kind, f"{run}-{n}") for kind in kinds for n in range(12)]
    history = [rng.sample(pool, rng.choice([1, 2, 2, 3])) for _ in range(60)]
    queues = [history[n :: len(services)] for n in range(len(services))]

    async def work(service: ResolutionService, queue: list[list[Key]]) -> None:
        while queue:
            batch, queue[:] = queue[: (size := rng.choice([1, 3, 20]))], queue[size:]
            items = [event(context={"externalIds": external(keys)}) for keys in batch]
            await service.apply([entry(items)])

    await asyncio.gather(*(work(s, q) for s, q in zip(services, queues, strict=True)))
    named = [key for keys in history for key in keys]
    assert await partition_of(stores.graph, list(dict.fromkeys(named))) == components(history)


def external(keys: Sequence[Key]) -> list[dict[str, str]]:
    return [{"type": kind, "id": value} for kind, value in keys]


async def test_a_superseded_consumer_writes_nothing(stores: Stores) -> None:
    (old,) = await workers(stores, 1)
    await partitions.take(stores.graph, 0, "another")
    with pytest.raises(partitions.Superseded):
        await old.apply([entry([event(user_id="u1")])])
    rows = await stores.graph.read("test", "MATCH (n) WHERE n:Customer OR n:Identifier RETURN count(n) AS n")
    assert rows == [{"n": 0}]


async def test_entries_that_were_applied_before_a_crash_are_not_applied_again(stores: Stores) -> None:
    (first,) = await workers(stores, 1)
    batch = [entry([event(user_id="u1", device_id="d1")]), entry([event(user_id="u1", phone="13800138000")])]
    before = await first.apply(batch)
    await partitions.take(stores.graph, 0, "successor")
    again = await service_of(stores, "successor", 0).apply(batch)
    assert [r.one_id for r in again] == [r.one_id for r in before]
    rows = await stores.graph.read(
        "test", "MATCH (c:Customer) RETURN c.version AS v, count { MATCH (d:Decision) } AS decisions"
    )
    assert rows == [{"v": 1, "decisions": 2}]
