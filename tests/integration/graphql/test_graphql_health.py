"""The signs of over-merging over GraphQL."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from oneid.bootstrap import Stores
from oneid.domain.health import MANY_CUSTOMERS, MANY_IDENTIFIERS, MANY_MERGES
from tests.forgetting import forget_everybody
from tests.graphql_api import Api, CallAs, Fresh

pytestmark = pytest.mark.usefixtures("consumer")

HEALTH = """
query {
  identityHealth {
    largestCustomers { customer { oneId } identifiers merges warning }
    mostSharedValues { identifier { type value } demotions customers warning }
    warnings
  }
}
"""
MERGE = "mutation($input: MergeCustomersInput!) { mergeCustomers(input: $input) { userErrors { code } } }"

RULES = """
mutation($input: UpdateIdentityRulesInput!) { updateIdentityRules(input: $input) { userErrors { code } } }
"""


@pytest.fixture
async def nobody(stores: Stores) -> AsyncIterator[None]:
    """No customer and no decision of another test: the lists are of all there are."""
    await forget_everybody(stores)
    yield
    await forget_everybody(stores)


async def health(api: Api) -> dict[str, Any]:
    found: dict[str, Any] = (await api(HEALTH))["identityHealth"]
    return found


def event(user: str, **named: Any) -> dict[str, Any]:
    return {"type": "track", "event": "Seen", "userId": user, **named}


async def log_in(api: Api, tablet: str, *users: str) -> list[str]:
    """The users log in on one tablet, twice each; their ONE-IDs."""
    results = await api.ingest(*(event(user, anonymousId=tablet) for _ in range(2) for user in users))
    return [result["oneId"] for result in results[: len(users)]]


@pytest.mark.usefixtures("nobody")
async def test_without_customers_there_is_nothing_to_say(api: Api) -> None:
    assert await health(api) == {"largestCustomers": [], "mostSharedValues": [], "warnings": []}


@pytest.mark.usefixtures("nobody")
async def test_a_shared_value_is_counted_once_a_customer_and_warned_of_when_many_use_it(
    api: Api, fresh: Fresh
) -> None:
    tablet, cookie = fresh("tablet"), fresh("cookie")
    users = [fresh("user") for _ in range(MANY_CUSTOMERS)]
    await log_in(api, tablet, *users)
    await log_in(api, cookie, *users[:2])
    found = await health(api)
    assert [(v["identifier"]["value"], v["customers"]) for v in found["mostSharedValues"]] == [
        (tablet, MANY_CUSTOMERS),
        (cookie, 2),
    ]
    shared, few = found["mostSharedValues"]
    assert few["warning"] is None
    assert shared["warning"].startswith(f"a value of anonymous_id was used by {MANY_CUSTOMERS} customers")
    assert found["warnings"] == [shared["warning"]]


@pytest.mark.usefixtures("nobody")
async def test_customers_that_became_one_count_once(api: Api, fresh: Fresh) -> None:
    tablet = fresh("tablet")
    one_ids = await log_in(api, tablet, *(fresh("user") for _ in range(3)))
    given = {"into": {"oneId": one_ids[1]}, "from": [{"oneId": one_ids[2]}]}
    assert (await api(MERGE, input=given))["mergeCustomers"]["userErrors"] == []
    (shared,) = (await health(api))["mostSharedValues"]
    assert shared["customers"] == 2


@pytest.mark.usefixtures("nobody")
async def test_the_largest_customers_come_first_and_the_too_large_ones_with_a_warning(
    api: Api, fresh: Fresh
) -> None:
    large, small, alone = fresh("large"), fresh("small"), fresh("alone")
    await declare_cards(api)
    names = [fresh("card") for _ in range(MANY_IDENTIFIERS)]
    cards = [{"type": "test_card", "id": name} for name in names]
    (first,) = await api.ingest(event(large, context={"externalIds": cards}))
    (second, _) = await api.ingest(event(small, anonymousId=fresh("cookie")), event(alone))
    found = await health(api)
    assert [(c["customer"]["oneId"], c["identifiers"]) for c in found["largestCustomers"]] == [
        (first["oneId"], MANY_IDENTIFIERS + 1),
        (second["oneId"], 2),
    ]
    assert [c["warning"] is None for c in found["largestCustomers"]] == [False, True]
    assert f"{MANY_IDENTIFIERS + 1} identifiers" in found["warnings"][0]


async def declare_cards(api: Api) -> None:
    given = {"types": [{"type": "test_card", "limit": 0}]}
    assert (await api(RULES, input=given))["updateIdentityRules"]["userErrors"] == []


@pytest.mark.usefixtures("nobody")
async def test_many_merges_are_warned_of(api: Api, fresh: Fresh) -> None:
    users = [fresh("user") for _ in range(MANY_MERGES + 1)]
    results = await api.ingest(*(event(user) for user in users))
    one_ids = [result["oneId"] for result in results]
    given = {"into": {"oneId": one_ids[0]}, "from": [{"oneId": one_id} for one_id in one_ids[1:]]}
    assert (await api(MERGE, input=given))["mergeCustomers"]["userErrors"] == []
    (large,) = (await health(api))["largestCustomers"]
    assert large["merges"] == MANY_MERGES
    assert f"{MANY_MERGES} merges" in large["warning"]


@pytest.mark.usefixtures("nobody")
async def test_shared_values_are_masked_without_the_scope_to_read_personal_data(
    api: Api, call_as: CallAs, fresh: Fresh, phone: str
) -> None:
    users = [fresh("user") for _ in range(2)]
    await api.ingest(*(event(user, context={"traits": {"phone": phone}}) for user in users))
    reader = await call_as("customers:read")
    ((shown),) = [v["identifier"]["value"] for v in (await health(reader))["mostSharedValues"]]
    assert shown == f"{phone[:3]}****{phone[-4:]}"
