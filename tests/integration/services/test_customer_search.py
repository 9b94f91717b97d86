"""Pages of customers when the index still shows some that the graph has no more."""

from graph.customers import Customers
from graph.rules import RulesStore
from oneid.bootstrap import Stores, upkeep
from oneid.domain.customers import CustomerRecord
from oneid.services.customers import CustomerService
from tests.pipeline import event, open_pipeline

AT = "2026-01-05T08:00:00.000Z"


async def test_a_page_of_ghosts_is_passed_over_in_both_directions(clean: None, stores: Stores) -> None:
    pipeline = await open_pipeline(stores)
    oldest, middle = await pipeline.ingest(event(user_id="u1"), event(user_id="u2"))
    assert oldest
    assert middle
    while await upkeep(stores).projection.run_once():
        continue
    newest = (await pipeline.customer(middle)).sequence
    ghosts = [CustomerRecord(f"ghost{n}", 1, newest + n, AT, AT) for n in range(1, 6)]
    older = [CustomerRecord(f"older{n}", 1, n, AT, AT) for n in range(1, 6)]
    await stores.profiles.write([*ghosts, *older], ())
    await stores.profiles.refresh()
    service = CustomerService(Customers(stores.graph), stores.profiles, RulesStore(stores.graph), "CN")

    forward = await service.search(first=2)
    assert [record.one_id for record in forward.nodes] == [middle]
    backward = await service.search(last=2)
    assert [record.one_id for record in backward.nodes] == [oldest]
    following = await service.search(first=2, after=forward.edges[-1].cursor)
    assert [record.one_id for record in following.nodes] == [oldest]
