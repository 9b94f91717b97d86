"""Households over GraphQL."""

import pytest

from tests.graphql_api import Api, CallAs, Fresh

pytestmark = pytest.mark.usefixtures("consumer")

HOUSEHOLDS = """
query($by: CustomerLookup!) {
  customer(by: $by) {
    households {
      id createdAt identifier { type value }
      members(first: 10) { totalCount nodes { oneId } pageInfo { hasNextPage } }
    }
  }
}
"""
NODE = "query($id: ID!) { node(id: $id) { id ... on Household { identifier { value } } } }"
MEMBERS = """
query($id: ID!, $after: String) {
  node(id: $id) { ... on Household {
    members(first: 1, after: $after) { nodes { oneId } pageInfo { hasNextPage endCursor } }
  } }
}
"""
LIST = """
query($after: String) {
  households(first: 1, after: $after) {
    totalCount nodes { id } pageInfo { hasNextPage hasPreviousPage endCursor }
  }
}
"""


def at_home(user: str, landline: str, kind: str = "landline") -> dict[str, object]:
    context = {"externalIds": [{"type": kind, "id": landline}]}
    return {"type": "track", "event": "Called", "userId": user, "context": context}


async def share(api: Api, landline: str, *users: str) -> list[str]:
    """The ONE-IDs of users who share a landline, in order."""
    results = await api.ingest(*(at_home(user, landline) for user in users))
    return sorted(result["oneId"] for result in results)


async def test_two_people_with_one_landline_are_members_of_one_household(
    api: Api, fresh: Fresh, phone: str
) -> None:
    anna, bo = fresh("anna"), fresh("bo")
    one_ids = await share(api, phone, anna, bo)
    assert len(set(one_ids)) == 2
    found = await api(HOUSEHOLDS, by={"identifier": {"type": "user_id", "value": anna}})
    (household,) = found["customer"]["households"]
    assert household["identifier"] == {"type": "landline", "value": f"+86{phone}"}
    assert household["members"] == {
        "totalCount": 2,
        "nodes": [{"oneId": one_id} for one_id in one_ids],
        "pageInfo": {"hasNextPage": False},
    }
    assert (await api(NODE, id=household["id"]))["node"]["id"] == household["id"]


@pytest.mark.parametrize("name", ["5555", "home of 021", "12-34"])
async def test_what_a_home_is_called_need_be_no_number(api: Api, fresh: Fresh, name: str) -> None:
    anna, bo = fresh("anna"), fresh("bo")
    await share(api, f" {name} ", anna, bo)
    for user in (anna, bo):
        found = await api(HOUSEHOLDS, by={"identifier": {"type": "user_id", "value": user}})
        assert [home["identifier"]["value"] for home in found["customer"]["households"]] == [name]


async def test_members_and_households_come_page_by_page(api: Api, fresh: Fresh, phone: str) -> None:
    users = [fresh("user") for _ in range(3)]
    one_ids = await share(api, phone, *users)
    found = await api(HOUSEHOLDS, by={"identifier": {"type": "user_id", "value": users[0]}})
    household = found["customer"]["households"][0]["id"]
    after, seen = None, list[str]()
    for number in range(3):
        page = (await api(MEMBERS, id=household, after=after))["node"]["members"]
        seen += [node["oneId"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        assert page["pageInfo"]["hasNextPage"] == (number < 2)
    assert seen == one_ids
    after, listed = None, list[str]()
    while (page := (await api(LIST, after=after))["households"])["nodes"]:
        listed += [node["id"] for node in page["nodes"]]
        assert page["pageInfo"]["hasPreviousPage"] == (after is not None)
        after = page["pageInfo"]["endCursor"]
    assert household in listed
    assert len(set(listed)) == len(listed) == (await api(LIST))["households"]["totalCount"]


async def test_a_household_is_masked_without_the_scope_to_read_personal_data(
    api: Api, call_as: CallAs, fresh: Fresh, phone: str
) -> None:
    rules = {"types": [{"type": "meter", "household": True}]}
    changed = await api(
        "mutation($input: UpdateIdentityRulesInput!) { updateIdentityRules(input: $input) { userErrors { code } } }",
        input=rules,
    )
    assert changed["updateIdentityRules"]["userErrors"] == []
    user, reader = fresh("anna"), await call_as("customers:read")
    await api.ingest(at_home(user, phone), at_home(user, "M-123", "meter"))
    found = await reader(HOUSEHOLDS, by={"identifier": {"type": "user_id", "value": user}})
    shown = {h["identifier"]["type"]: h["identifier"]["value"] for h in found["customer"]["households"]}
    assert shown == {"landline": f"{phone[:3]}****{phone[-4:]}", "meter": "M***"}


async def test_what_is_no_household_is_none(api: Api, fresh: Fresh) -> None:
    assert (await api(NODE, id="SG91c2Vob2xkOm5vYm9keQ"))["node"] is None
    user = fresh("anna")
    await api.ingest({"type": "track", "event": "Seen", "userId": user})
    found = await api(HOUSEHOLDS, by={"identifier": {"type": "user_id", "value": user}})
    assert found["customer"]["households"] == []
    assert await api.code(LIST, after="nonsense") == "BAD_USER_INPUT"
