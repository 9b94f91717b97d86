"""Merge proposals over GraphQL: searched for, accepted, rejected."""

from typing import Any

import pytest

from oneid.bootstrap import Stores, upkeep
from tests.forgetting import forget, forget_everybody
from tests.graphql_api import Api, CallAs, Fresh

pytestmark = pytest.mark.usefixtures("consumer")

PROPOSE = """
mutation($input: ProposeMergesInput!) {
  proposeMerges(input: $input) { operation { id status } userErrors { code field message } }
}
"""
OPERATION = "query($id: ID!) { node(id: $id) { ... on Operation { status result error } } }"
PROPOSALS = """
query($after: String) {
  mergeProposals(first: 100, after: $after) {
    totalCount pageInfo { hasNextPage endCursor }
    nodes { id probability weight proposedAt customers { oneId } evidence { attribute agreement weight } }
  }
}
"""
ACCEPT = """
mutation($input: AcceptMergeProposalInput!) {
  acceptMergeProposal(input: $input) {
    customer { oneId formerOneIds decisions { nodes { kind manual reason } } } userErrors { code field }
  }
}
"""
REJECT = """
mutation($input: RejectMergeProposalInput!) {
  rejectMergeProposal(input: $input) { rejected userErrors { code field } }
}
"""
MERGE = """
mutation($input: MergeCustomersInput!) { mergeCustomers(input: $input) { customer { oneId } userErrors { code } } }
"""
SPLIT = """
mutation($input: SplitCustomerInput!) { splitCustomer(input: $input) { splitOff { oneId } userErrors { code } } }
"""
NOBODY = "TWVyZ2VQcm9wb3NhbDpub2JvZHk"
NAMES = ("anna", "bo", "chen", "dana", "emil", "fang", "gerd", "hong", "ines", "jun")


class Town:
    """People whom nobody else resembles: their family name and street are of this test alone."""

    def __init__(self, api: Api, stores: Stores, fresh: Fresh) -> None:
        self.api = api
        self.stores = stores
        self.fresh = fresh
        self.one_ids = list[str]()

    async def add(self, first_name: str, family: str, birthday: str, **more: str) -> str:
        """A customer of its own; the ONE-ID."""
        traits = {
            "firstName": first_name,
            "lastName": family,
            "birthday": birthday,
            "address": {"street": f"{family} street", "city": f"{family} town", **more},
        }
        event = {"type": "identify", "userId": self.fresh("user"), "traits": traits}
        ((result),) = await self.api.ingest(event)
        one_id: str = result["oneId"]
        self.one_ids.append(one_id)
        return one_id

    async def search(self) -> dict[str, Any]:
        """The result of a search, carried out here."""
        started = (await self.api(PROPOSE, input={}))["proposeMerges"]
        assert (started["userErrors"], started["operation"]["status"]) == ([], "QUEUED")
        while await upkeep(self.stores).operations.run_once():
            pass
        done = (await self.api(OPERATION, id=started["operation"]["id"]))["node"]
        assert (done["status"], done["error"]) == ("COMPLETED", None)
        result: dict[str, Any] = done["result"]
        return result

    async def proposals(self) -> list[dict[str, Any]]:
        """The open proposals among these people."""
        after, found = None, list[dict[str, Any]]()
        while True:
            page = (await self.api(PROPOSALS, after=after))["mergeProposals"]
            found += page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                assert len(found) == page["totalCount"]
                return [node for node in found if one_ids(node) <= set(self.one_ids)]
            after = page["pageInfo"]["endCursor"]


def one_ids(proposal: dict[str, Any]) -> set[str]:
    return {customer["oneId"] for customer in proposal["customers"]}


@pytest.fixture
async def town(nobody: None, api: Api, stores: Stores, fresh: Fresh) -> Town:
    """Ten families of one, and one more: Li Wei, who is there twice."""
    built = Town(api, stores, fresh)
    for number, name in enumerate(NAMES):
        await built.add(name, f"{name}s{fresh('family')}", f"19{60 + number}0{number}1{number}")
    return built


@pytest.fixture
async def nobody(stores: Stores) -> None:
    """No customer of another test: a search compares all there are."""
    await forget_everybody(stores)


async def twice(town: Town) -> tuple[str, str]:
    """One person, there twice with a typing mistake; the older first."""
    return (
        await town.add("Wei", "Lindqvist", "1984-05-17"),
        await town.add("wei", "Lindqvist", "1984-05-11"),
    )


async def test_a_search_proposes_with_evidence_and_merges_nothing(town: Town) -> None:
    old, new = await twice(town)
    result = await town.search()
    assert result == {"customers": 12, "proposals": 1}
    (proposal,) = await town.proposals()
    assert [customer["oneId"] for customer in proposal["customers"]] == [old, new]
    assert proposal["probability"] >= 0.95
    evidence = {e["attribute"]: e["agreement"] for e in proposal["evidence"]}
    assert evidence["firstName"] == evidence["lastName"] == evidence["address.city"] == "EXACT"
    assert evidence["birthday"] == "CLOSE"
    weights = {e["attribute"]: e["weight"] for e in proposal["evidence"]}
    assert weights["lastName"] > 0


async def test_accepting_merges_into_the_oldest_and_says_why(town: Town) -> None:
    old, new = await twice(town)
    await town.search()
    (proposal,) = await town.proposals()
    accepted = await town.api(ACCEPT, input={"id": proposal["id"], "reason": "same birthday"})
    customer = accepted["acceptMergeProposal"]["customer"]
    assert (customer["oneId"], customer["formerOneIds"]) == (old, [new])
    (merged,) = [d for d in customer["decisions"]["nodes"] if d["kind"] == "MERGED"]
    assert merged["manual"] is True
    assert merged["reason"].startswith("merge proposal ")
    assert merged["reason"].endswith(": same birthday")
    assert await town.proposals() == []
    again = await town.api(ACCEPT, input={"id": proposal["id"]})
    assert again["acceptMergeProposal"] == {
        "customer": None,
        "userErrors": [{"code": "NOT_FOUND", "field": ["id"]}],
    }


async def test_what_was_rejected_is_not_proposed_again_also_under_another_one_id(town: Town) -> None:
    old, new = await twice(town)
    await town.search()
    (proposal,) = await town.proposals()
    rejected = await town.api(REJECT, input={"id": proposal["id"], "reason": "brothers"})
    assert rejected["rejectMergeProposal"] == {"rejected": True, "userErrors": []}
    assert await town.proposals() == []
    await town.search()
    assert await town.proposals() == []
    other = await town.add("Wei", "Lindqvist", "1984-05-17")
    await merge(town, other, new)
    await town.search()
    assert [one_ids(found) for found in await town.proposals()] == []
    assert old in town.one_ids


async def merge(town: Town, into: str, source: str) -> None:
    given = {"into": {"oneId": into}, "from": [{"oneId": source}]}
    assert (await town.api(MERGE, input=given))["mergeCustomers"]["userErrors"] == []


async def test_a_proposal_follows_its_customers_through_merges_and_ends_when_they_are_one(town: Town) -> None:
    old, new = await twice(town)
    await town.search()
    stranger = town.one_ids[0]
    await merge(town, stranger, new)
    (proposal,) = await town.proposals()
    assert one_ids(proposal) == {stranger, old}
    await merge(town, stranger, old)
    assert await town.proposals() == []


async def test_a_split_ends_its_proposals_and_a_sticky_one_is_not_undone_by_another_search(
    town: Town, fresh: Fresh
) -> None:
    old, new = await twice(town)
    await town.search()
    await merge(town, old, new)
    taken = await town.api(
        "query($by: CustomerLookup!) { customer(by: $by) { identifiers { value } } }", by={"oneId": old}
    )
    user = taken["customer"]["identifiers"][1]["value"]
    given = {"customer": {"oneId": old}, "identifiers": [{"type": "user_id", "value": user}], "sticky": True}
    assert (await town.api(SPLIT, input=given))["splitCustomer"]["splitOff"] == {"oneId": new}
    await town.search()
    assert await town.proposals() == []


async def test_another_search_replaces_what_nobody_decided(town: Town) -> None:
    old, new = await twice(town)
    await town.search()
    (first,) = await town.proposals()
    await town.search()
    (second,) = await town.proposals()
    assert (second["id"], one_ids(second)) == (first["id"], {old, new})
    await forget(town.stores, new)
    await town.search()
    assert await town.proposals() == []


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"fields": []}, ["fields"]),
        ({"fields": [{"attribute": "name", "comparison": "NAME"}]}, ["fields"]),
        ({"fields": [{"attribute": "a", "comparison": "TEXT"}] * 2}, ["fields", "1", "attribute"]),
        ({"fields": [{"attribute": "", "comparison": "TEXT"}] * 2}, ["fields", "0", "attribute"]),
        ({"minProbability": 0.4}, ["minProbability"]),
        ({"minProbability": 1.0}, ["minProbability"]),
    ],
)
async def test_a_search_that_makes_no_sense_is_refused(
    api: Api, given: dict[str, Any], field: list[str]
) -> None:
    answer = (await api(PROPOSE, input=given))["proposeMerges"]
    assert answer["operation"] is None
    assert [(error["code"], error["field"]) for error in answer["userErrors"]] == [("INVALID", field)]


async def test_only_who_may_write_customers_decides(call_as: CallAs) -> None:
    reader = await call_as("customers:read")
    for mutation in (ACCEPT, REJECT):
        assert await reader.code(mutation, input={"id": NOBODY}) == "FORBIDDEN"
    assert await reader.code(PROPOSE, input={}) == "FORBIDDEN"
    assert (await reader(PROPOSALS))["mergeProposals"]["totalCount"] >= 0


@pytest.mark.parametrize("id_", [NOBODY, "Q3VzdG9tZXI6MQ", "nonsense"])
async def test_a_proposal_that_is_not_there_can_be_neither_accepted_nor_rejected(api: Api, id_: str) -> None:
    missing = [{"code": "NOT_FOUND", "field": ["id"]}]
    accepted, rejected = await api(ACCEPT, input={"id": id_}), await api(REJECT, input={"id": id_})
    assert accepted["acceptMergeProposal"]["userErrors"] == missing
    assert rejected["rejectMergeProposal"] == {"rejected": False, "userErrors": missing}
