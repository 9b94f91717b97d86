"""Customers taken out of the stores, as if they had never been: what a list of all there are must not show."""

from typing import Final

from oneid.bootstrap import Stores

EVERYBODY: Final = "MATCH (n:Customer|Identifier|Decision|MergeProposal|Household) DETACH DELETE n"
ONE: Final = "MATCH (c:Customer {oneId: $id}) DETACH DELETE c"


async def forget_everybody(stores: Stores) -> None:
    """No customer, identifier, decision, proposal or household is left, and no profile."""
    await stores.graph.write("test.forget", EVERYBODY)
    await _delete_profiles(stores, {"match_all": {}})


async def forget(stores: Stores, one_id: str) -> None:
    """The customer is gone from the graph, and the profile from the index."""
    await stores.graph.write("test.forget", ONE, id=one_id)
    await _delete_profiles(stores, {"ids": {"values": [one_id]}})


async def _delete_profiles(stores: Stores, query: dict[str, object]) -> None:
    await stores.profiles.refresh()
    await stores.search.request(
        "POST", "/oneid-profiles/_delete_by_query?refresh=true&conflicts=proceed", {"query": query}
    )
