"""Events of nobody whom the graph knows: those of erased people go, others go to whoever they are about."""

import pytest

from oneid.bootstrap import Stores
from oneid.bootstrap.work import reconciliation
from oneid.domain.messages import StoredEvent
from oneid.services.reconciliation import ReconciliationService, Report
from tests.erasing import NOTHING, Erasing, erasing, traces
from tests.pipeline import Pipeline, event


@pytest.fixture
def sweeper(stores: Stores) -> ReconciliationService:
    """Takes ranges of two, so that a sweep has several."""
    return reconciliation(stores, page=2)


@pytest.fixture
def erasure(stores: Stores) -> Erasing:
    return erasing(stores)


async def stored(stores: Stores, *message_ids: str) -> list[StoredEvent]:
    await stores.events.refresh()
    found = await stores.events.get(message_ids)
    return [found[message_id] for message_id in message_ids]


async def swept(stores: Stores, sweeper: ReconciliationService, *, repair: bool = True) -> Report:
    await stores.events.refresh()
    report = await sweeper.sweep(repair=repair)
    await stores.events.refresh()
    return report


async def owner(stores: Stores, message_id: str) -> str | None:
    (found,) = await stored(stores, message_id)
    return found.one_id


async def test_what_is_written_under_an_erased_one_id_after_all_was_over_is_found_and_deleted(
    pipeline: Pipeline, stores: Stores, erasure: Erasing, sweeper: ReconciliationService
) -> None:
    """A consumer that was held up for an hour stores a batch, under the ONE-ID and one that was merged away."""
    anna, _, _, bo = await pipeline.ingest(
        event(user_id="anna-canary", message_id="m1"),
        event(anonymous_id="cookie-canary", message_id="m2"),
        event(user_id="anna-canary", anonymous_id="cookie-canary", message_id="m3"),
        event(user_id="bo", message_id="m4"),
    )
    late = await stored(stores, "m1", "m2", "m3")
    assert len({one.one_id for one in late}) == 2
    await erasure.finish(await erasure.erase(anna))
    await stores.events.store(late)
    await stores.redis.set("oneid:seen:m1", anna or "")
    assert (await traces(stores, "anna-canary"))["index"] == ["anna-canary"]

    assert (await swept(stores, sweeper, repair=False)).lost == 2
    assert (await swept(stores, sweeper)).lost == 2

    assert (
        await traces(stores, "anna-canary", "cookie-canary", *{one.one_id or "" for one in late}) == NOTHING
    )
    assert await stores.redis.get("oneid:seen:m1") == b""
    assert await owner(stores, "m4") == bo
    assert (await swept(stores, sweeper)).lost == 0


async def test_events_of_a_customer_whom_the_graph_has_lost_go_to_whoever_they_are_about(
    pipeline: Pipeline, stores: Stores, sweeper: ReconciliationService
) -> None:
    """As after a restore of the graph: who came later is unknown, and what they had may be somebody else's."""
    lost, bo = await pipeline.ingest(
        event(user_id="anna", member_card="c1", message_id="both"), event(user_id="bo", message_id="bo")
    )
    await pipeline.ingest(
        event(user_id="anna", message_id="alone"), event(member_card="c1", message_id="card")
    )
    await stores.graph.write("test", "MATCH (c:Customer {oneId: $oneId}) DETACH DELETE c", oneId=lost)
    query = """
    MATCH (i:Identifier {key: 'member_card:c1'}), (c:Customer {oneId: $oneId}) CREATE (i)-[:IDENTIFIES]->(c)
    """
    await stores.graph.write("test", query, oneId=bo)

    assert (await swept(stores, sweeper)).lost == 1

    assert [await owner(stores, name) for name in ("both", "card", "alone", "bo")] == [bo, bo, None, bo]
    assert (await swept(stores, sweeper)).lost == 0


async def test_customers_who_come_and_merge_during_a_sweep_lose_nothing(
    pipeline: Pipeline, stores: Stores, sweeper: ReconciliationService
) -> None:
    one_ids = await pipeline.ingest(*(event(user_id=f"u{n}", message_id=f"m{n}") for n in range(5)))
    await pipeline.ingest(event(anonymous_id="a"), event(user_id="u0", anonymous_id="a", message_id="last"))

    assert (await swept(stores, sweeper)).lost == 0

    assert [await owner(stores, f"m{n}") for n in range(5)] == one_ids
    assert await owner(stores, "last") == one_ids[0]
