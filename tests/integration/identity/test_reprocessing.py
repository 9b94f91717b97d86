"""Identities rebuilt from the log: the partition of today's rules, with an operator's acts kept."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph import partitions, pauses, snapshots
from graph.client import Graph
from graph.decisions import DecisionLog
from graph.rules import RulesStore
from oneid.bootstrap import Stores, stewardship, upkeep
from oneid.clock import sequence
from oneid.domain.decisions import DecisionKind
from oneid.domain.identifiers import Identifier
from oneid.domain.operations import Operation, OperationStatus
from oneid.domain.rules import BlockedValue, RulesChange, TypeChange
from oneid.errors import Retriable
from oneid.log.events import EventLog
from oneid.services import reprocessing
from oneid.services.rebuilding import is_act
from oneid.services.stewardship import Split
from oneid.services.upserts import Upsert, UpsertService
from tests.operations import service
from tests.pipeline import Pipeline, envelope, event, open_pipeline, service_of

PHONE = "13800138000"
PAUSED = "MATCH (p:Partition) RETURN count(p.pausedBy) AS paused"


async def reprocess(stores: Stores, *, dry_run: bool = False) -> Operation:
    operations = service(stores)
    started = await operations.start("reprocessIdentities", {"dryRun": dry_run})
    assert await upkeep(stores).operations.run_once() == 1
    ended = await operations.get(started.id)
    assert ended
    assert ended.status is OperationStatus.COMPLETED, ended.error
    return ended


async def result(stores: Stores, *, dry_run: bool = False) -> dict[str, Any]:
    return (await reprocess(stores, dry_run=dry_run)).result or {}


async def rules(pipeline: Pipeline, **change: Any) -> None:
    await RulesStore(pipeline.stores.graph).change(RulesChange(**change).apply)


async def partition(graph: Graph) -> set[frozenset[str]]:
    rows = await graph.read(
        "test", "MATCH (i:Identifier)-[:IDENTIFIES]->(c) RETURN c.oneId AS id, collect(i.key) AS keys"
    )
    return {frozenset(row["keys"]) for row in rows}


async def customer_of(pipeline: Pipeline, *message_ids: str) -> list[str | None]:
    await pipeline.stores.events.refresh()
    found = await pipeline.stores.events.get(list(message_ids))
    return [found[name].one_id for name in message_ids]


async def test_events_that_one_partition_stores_late_are_told_although_another_went_on(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reprocessing, "UNSETTLED_SECONDS", 0)
    stores = replace(pipeline.stores, log=EventLog(pipeline.stores.redis, 2))
    for number in (0, 1):
        await stores.log.ensure_group(number)
        await partitions.take(stores.graph, number, "test")
    late, ahead = service_of(stores, "test", 0), service_of(stores, "test", 1)
    first = envelope([event(user_id="u1", phone=PHONE, message_id="late")])
    second = envelope([event(user_id="u2", device_id="d2", message_id="ahead")])
    await stores.log.append([(0, first), (1, second)])
    stuck = await stores.log.read(0, "test", 10, 1)
    entries = await stores.log.read(1, "test", 10, 1)
    waiting = await late.apply(stuck)
    done = await ahead.apply(entries)
    await ahead.store(done)
    await ahead.finish(entries, done)

    async def go_on() -> None:
        """The index is there again once resolution pauses."""
        while not (await stores.graph.read("test", PAUSED))[0]["paused"]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await late.store(waiting)
        await late.finish(stuck, waiting)

    going = asyncio.create_task(go_on())
    told = await result(stores)
    await going
    assert {name: told[name] for name in ("events", "different")} == {"events": 2, "different": 0}
    assert await partition(stores.graph) == {
        frozenset({"user_id:u1", "phone:+8613800138000"}),
        frozenset({"user_id:u2", "device_id:d2"}),
    }


async def test_nothing_is_different_under_the_same_rules(pipeline: Pipeline) -> None:
    one, two, _ = await pipeline.ingest(
        event(user_id="u1", phone=PHONE),
        event(user_id="u2", phone=PHONE),
        event(user_id="u1", anonymous_id="a1"),
    )
    before = [await pipeline.customer(one), await pipeline.customer(two)]
    found = await result(pipeline.stores)
    assert (found["events"], found["different"], found["eventsMoved"]) == (3, 0, 0)
    assert [await pipeline.customer(one), await pipeline.customer(two)] == before


async def test_a_tightened_limit_takes_a_customer_apart(pipeline: Pipeline) -> None:
    await rules(pipeline, types=(TypeChange("user_id", limit=0),))
    traits = {"traits": {"name": "二"}}
    (one,) = await pipeline.ingest(event(user_id="u1", phone=PHONE, message_id="e1"))
    await pipeline.ingest(
        event(user_id="u2", phone=PHONE, message_id="e2", kind="identify", extra=traits),
        event(user_id="u2", anonymous_id="a2", message_id="e3"),
    )
    assert await partition(pipeline.stores.graph) == {
        frozenset({"user_id:u1", "user_id:u2", "phone:+8613800138000", "anonymous_id:a2"})
    }
    await rules(pipeline, types=(TypeChange("user_id", limit=1),))

    dry = await result(pipeline.stores, dry_run=True)
    assert (dry["different"], dry["split"], dry["merged"], dry["moved"]) == (1, 1, 0, 2)
    assert len(await partition(pipeline.stores.graph)) == 1

    done = await result(pipeline.stores)
    assert (done["split"], done["eventsMoved"]) == (1, 2)
    assert await partition(pipeline.stores.graph) == {
        frozenset({"user_id:u1", "phone:+8613800138000"}),
        frozenset({"user_id:u2", "anonymous_id:a2"}),
    }
    two = await pipeline.owner("user_id", "u2")
    assert await pipeline.owner("user_id", "u1") == one
    assert await customer_of(pipeline, "e1", "e2", "e3") == [one, two, two]
    assert (await pipeline.customer(two)).attributes["name"].value == "二"
    assert "name" not in (await pipeline.customer(one)).attributes
    assert (await result(pipeline.stores))["different"] == 0


async def test_a_loosened_limit_merges_into_the_oldest(pipeline: Pipeline) -> None:
    one, two = await pipeline.ingest(
        event(user_id="u1", phone=PHONE, message_id="e1"), event(user_id="u2", phone=PHONE, message_id="e2")
    )
    await rules(pipeline, types=(TypeChange("user_id", limit=0),))
    assert (await result(pipeline.stores))["merged"] == 1
    assert await pipeline.keys(one) == {"user_id:u1", "user_id:u2", "phone:+8613800138000"}
    assert (await pipeline.customer(two)).one_id == one
    await upkeep(pipeline.stores).rehoming.run_once()
    assert await customer_of(pipeline, "e1", "e2") == [one, one]


async def test_what_moves_is_told_in_the_history_of_both(pipeline: Pipeline) -> None:
    await rules(pipeline, types=(TypeChange("phone", transfer_on_verified=True),))
    proof = {"verified": ["phone"]}
    one, two = await pipeline.ingest(
        event(user_id="u1", phone=PHONE), event(user_id="u2", phone=PHONE, context=proof)
    )
    await rules(pipeline, types=(TypeChange("phone", transfer_on_verified=False),))
    await result(pipeline.stores)
    assert await pipeline.owner("phone", "+8613800138000") == one
    log = DecisionLog(pipeline.stores.graph)
    for customer in (one, two):
        last = (await log.all_of([customer or ""]))[-1]
        assert (last.kind, last.reason, last.one_id, last.other_one_id) == (
            DecisionKind.TRANSFERRED,
            "REPROCESS",
            one,
            two,
        )


async def test_a_value_blocked_by_now_joins_nobody(pipeline: Pipeline) -> None:
    (one,) = await pipeline.ingest(event(user_id="u1", device_id="kiosk"))
    await pipeline.ingest(event(anonymous_id="a1", device_id="kiosk", message_id="e2"))
    await rules(pipeline, block=(BlockedValue("device_id", exact="kiosk"),))
    await result(pipeline.stores)
    assert await partition(pipeline.stores.graph) == {
        frozenset({"user_id:u1"}),
        frozenset({"anonymous_id:a1"}),
    }
    assert await pipeline.keys(one) == {"user_id:u1"}
    assert await customer_of(pipeline, "e2") == [await pipeline.owner("anonymous_id", "a1")]


async def test_an_operators_acts_survive(pipeline: Pipeline) -> None:
    steward = stewardship(pipeline.stores)
    one, two, three = await pipeline.ingest(
        event(user_id="u1", anonymous_id="a1"),
        event(user_id="u2", device_id="d2"),
        event(user_id="u3", phone=PHONE),
    )
    assert one
    assert two
    await steward.merge(one, [two], "same person")
    kept, off = await steward.split(Split(one, [Identifier("anonymous_id", "a1")], sticky=True))
    await pipeline.ingest(event(user_id="u1", anonymous_id="a1"))
    await steward.unlink(Identifier("phone", "+8613800138000"), "wrong")
    before = await partition(pipeline.stores.graph)

    assert (await result(pipeline.stores))["different"] == 0

    assert await partition(pipeline.stores.graph) == before
    assert before == {
        frozenset({"user_id:u1", "user_id:u2", "device_id:d2"}),
        frozenset({"anonymous_id:a1"}),
        frozenset({"user_id:u3"}),
    }
    assert await pipeline.ingest(event(anonymous_id="a1")) == [off]
    assert await pipeline.ingest(event(user_id="u2")) == [kept]
    assert three


async def test_what_a_direct_write_left_out_is_no_act_of_its_own(pipeline: Pipeline) -> None:
    await pipeline.ingest(event(user_id="u1", phone=PHONE))
    upserts = UpsertService(pipeline.stores.graph, pipeline.stores.clock, "CN")
    await upserts.upsert(Upsert([("user_id", "u2"), ("phone", PHONE)]))
    decisions = await DecisionLog(pipeline.stores.graph).page(10)
    assert [decision.kind for decision in decisions if decision.direct] == ["DEMOTED", "CREATED"]
    assert [act.kind for act in await snapshots.acts(pipeline.stores.graph, 0)] == ["CREATED"]
    assert [decision.kind for decision in decisions if is_act(decision)] == ["CREATED"]


async def test_a_limit_that_makes_values_generic_is_applied_to_the_past(pipeline: Pipeline) -> None:
    await rules(pipeline, types=(TypeChange("user_id", limit=0),))
    await pipeline.ingest(
        *(event(user_id=f"u{n}", phone=PHONE) for n in range(4)), event(phone=PHONE, message_id="p")
    )
    await rules(pipeline, types=(TypeChange("phone", generic_after=2),))
    await result(pipeline.stores)
    assert await partition(pipeline.stores.graph) == {frozenset({f"user_id:u{n}"}) for n in range(4)}
    assert await customer_of(pipeline, "p") == [None]
    await rules(pipeline, types=(TypeChange("phone", generic_after=0),))
    await result(pipeline.stores)
    assert await partition(pipeline.stores.graph) == {
        frozenset({"phone:+8613800138000", *(f"user_id:u{n}" for n in range(4))})
    }
    assert await customer_of(pipeline, "p") == [await pipeline.owner("user_id", "u0")]


async def test_resolution_waits_while_identities_are_rebuilt_and_goes_on_by_itself(
    pipeline: Pipeline,
) -> None:
    graph = pipeline.stores.graph
    await pauses.pause(graph, "somebody", sequence() + 500_000_000)
    await pipeline.append([event(user_id="u1")])
    entries = await pipeline.stores.log.read(0, pipeline.holder, 10, 1)
    with pytest.raises(Retriable):
        await pipeline.service.apply(entries)
    assert await partition(graph) == set()
    await asyncio.sleep(0.6)
    (received,) = await pipeline.service.apply(entries)
    assert received.one_id == await pipeline.owner("user_id", "u1")
    await partitions.take(graph, 0, "test")


KEYS = st.tuples(st.sampled_from(["user_id", "device_id", "email"]), st.integers(1, 4))


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(st.lists(KEYS, min_size=1, max_size=3, unique=True), min_size=1, max_size=10),
    st.integers(0, 2),
    st.integers(0, 2),
)
async def test_the_partition_is_that_of_a_deployment_which_had_the_rules_from_the_start(
    clean: None, stores: Stores, evidence: list[list[tuple[str, int]]], before: int, after: int
) -> None:
    async def run(limit: int, *, again: int | None = None) -> set[frozenset[str]]:
        await stores.graph.write(
            "test.wipe", "MATCH (n) WHERE NOT n:Migration AND NOT n:MigrationLock DETACH DELETE n"
        )
        await stores.redis.flushall()
        await stores.events.refresh()  # what is not searchable yet would be passed over
        await stores.search.request(
            "POST", "/oneid-events/_delete_by_query?refresh=true", {"query": {"match_all": {}}}
        )
        pipeline = await open_pipeline(stores)
        await rules(
            pipeline, types=(TypeChange("user_id", limit=limit), TypeChange("device_id", limit=limit))
        )
        await pipeline.ingest(*(told(keys) for keys in evidence))
        if again is not None:
            await rules(
                pipeline, types=(TypeChange("user_id", limit=again), TypeChange("device_id", limit=again))
            )
            await result(stores)
        return await partition(stores.graph)

    assert await run(before, again=after) == await run(after)


def told(keys: list[tuple[str, int]]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for kind, number in keys:
        value = f"{number}@x.cn" if kind == "email" else str(number + 1)
        named.setdefault(kind, []).append(value)
    if "user_id" in named:
        named["extra"] = {"userId": named["user_id"].pop(0)}
    return event(**named)
