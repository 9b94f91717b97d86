"""A05: leads that do nothing for sixty days cost no more: suppressed, out of the audience, erased."""

import asyncio
from typing import Any

import pytest

from tests.acceptance import Brand, event
from tests.graphql_socket import Socket, connect

WHERE = """
query Where($by: CustomerLookup!) { customer(by: $by) { oneId lifecycleStages { lifecycle { key } stage } } }
"""
POLICY = "policy { key version daily most lastRunAt preview(sample: 5) { count sample { oneId } } }"
POLICIES = "query P($key: String) { retentionPolicies(key: $key) { version lastRunAt preview { count } } }"
CHANGES = 'subscription { changes(types: ["SEGMENT_LEFT"]) { type oneId segment { key } } }'
QUIET = 60


class Leads:
    """A lifecycle of one brand's people: leads, suppressed leads, customers."""

    def __init__(self, brand: Brand) -> None:
        self.brand, self.key = brand, brand.name("lead")
        self.mine, self.paid, self.seen = brand.name("lead_source"), brand.name("paid"), brand.name("seen")

    async def install(self) -> None:
        """The shape of the template LEAD, for nobody but this brand's."""
        brand = self.brand
        await brand.do("defineAttribute", {"key": self.mine, "type": "STRING"})
        lead = {
            "all": [
                {"attribute": {"key": self.mine, "op": "EXISTS"}},
                {"not": {"event": {"name": self.paid}}},
            ]
        }
        nothing = {"not": {"event": {"name": "*", "window": {"lastDays": QUIET}}}}
        stages = [
            {"key": "lead", "name": "潜客", "rule": lead, "from": ["suppressed"]},
            {"key": "suppressed", "name": "停止触达", "rule": {"all": [lead, nothing]}, "from": ["lead"]},
            {"key": "customer", "name": "客户", "rule": {"event": {"name": self.paid}}},
        ]
        await brand.do("defineLifecycle", {"key": self.key, "name": self.key, "stages": stages})
        await brand.segment(self.brand.name("ads"), {"stage": {"lifecycle": self.key, "stage": "lead"}})

    async def comes(self, *events: str) -> tuple[dict[str, str], str]:
        """A new lead who did these."""
        user = self.brand.user()
        identify = {"type": "identify", "traits": {self.mine: "fair"}}
        return user, await self.brand.send(user, identify, *map(event, (self.seen, *events)))

    async def stage(self, user: dict[str, str]) -> str | None:
        """Where somebody is; None if there is no such person."""
        by = {"identifier": {"type": "user_id", "value": user["userId"]}}
        found = (await self.brand.api(WHERE, by=by))["customer"]
        stages = found["lifecycleStages"] if found else []
        return next((one["stage"] for one in stages if one["lifecycle"]["key"] == self.key), None)


@pytest.fixture
async def leads(brand: Brand) -> Leads:
    made = Leads(brand)
    await made.install()
    return made


async def removed(socket: Socket, key: str) -> str:
    """The ONE-ID of the next who is told to have left a segment."""
    while True:
        change = await socket.change("c")
        if change["segment"]["key"] == key:
            return str(change["oneId"])


async def test_a_quiet_lead_is_suppressed_leaves_the_audience_and_is_erased_and_a_buyer_stays(
    brand: Brand, leads: Leads, url: str
) -> None:
    """A05."""
    ads, policy = brand.name("ads"), brand.name("policy")
    idle, idle_id = await leads.comes()
    buyer, buyer_id = await leads.comes(leads.paid)
    awake, awake_id = await leads.comes()
    assert [await leads.stage(one) for one in (idle, buyer, awake)] == ["lead", "customer", "lead"]
    assert await brand.find({"segment": ads}) == {idle_id, awake_id}
    suppressed = {"stage": {"lifecycle": leads.key, "stage": "suppressed"}}
    rule = {"key": policy, "name": policy, "rule": suppressed}
    made = (await brand.do("setRetentionPolicy", rule, POLICY))["policy"]
    assert (made["preview"]["count"], made["daily"], made["version"]) == (0, False, 1)

    async with connect(url, brand.api.headers["Authorization"]) as socket:
        await socket.subscribe("c", CHANGES)
        await brand.advance(days=QUIET - 1)
        await brand.send(awake, {"type": "page", "name": "Home"})
        assert await leads.stage(idle) == "lead", "not before sixty days"
        await brand.advance(days=1, minutes=1)
        assert await removed(socket, ads) == idle_id, "the feed tells advertisements to remove"

    assert [await leads.stage(one) for one in (idle, buyer, awake)] == ["suppressed", "customer", "lead"]
    assert await brand.find({"segment": ads}) == {awake_id}
    told = (await brand.do("setRetentionPolicy", rule, POLICY))["policy"]
    assert (told["preview"], told["version"]) == ({"count": 1, "sample": [{"oneId": idle_id}]}, 2)
    wrong = await brand.payload(
        "applyRetentionPolicy", {"key": policy, "expectedCount": 2}, "operation { id }"
    )
    assert [(e["code"], e["field"]) for e in wrong["userErrors"]] == [("CONFLICT", ["expectedCount"])]
    assert await leads.stage(idle) == "suppressed"

    given = {"key": policy, "expectedCount": 1}
    operation = (await brand.do("applyRetentionPolicy", given, "operation { id }"))["operation"]
    done = await brand.api.ended(operation["id"])

    assert (done["status"], done["done"], done["result"]) == ("COMPLETED", 1, {"erased": 1})
    assert [await leads.stage(one) for one in (idle, buyer, awake)] == [None, "customer", "lead"]
    assert await brand.find({"any": [suppressed, {"event": {"name": leads.seen}}]}) == {buyer_id, awake_id}
    assert (await brand.api(POLICIES, key=policy))["retentionPolicies"][0]["preview"]["count"] == 0


async def test_a_lead_that_comes_back_is_a_lead_again(brand: Brand, leads: Leads) -> None:
    user, one_id = await leads.comes()
    await brand.advance(days=QUIET, minutes=1)
    assert await leads.stage(user) == "suppressed"

    await brand.send(user, event(leads.seen))

    assert await leads.stage(user) == "lead"
    kinds = [kind for kind, who, _ in await brand.moves(brand.name("ads")) if who == one_id]
    assert kinds == ["ENTERED", "LEFT", "ENTERED"]


async def test_a_daily_policy_runs_by_itself_and_never_beyond_its_limit(brand: Brand, leads: Leads) -> None:
    policy = brand.name("policy")
    people = [(await leads.comes())[0] for _ in range(3)]
    rule = {
        "key": policy,
        "name": policy,
        "rule": {"stage": {"lifecycle": leads.key, "stage": "suppressed"}},
        "daily": True,
        "most": 2,
    }
    await brand.do("setRetentionPolicy", rule, "policy { key }")
    await brand.advance(days=QUIET, minutes=1)
    await until_run(brand, policy, None)
    assert [await leads.stage(one) for one in people] == ["suppressed"] * 3, "three are more than two"
    last = await last_run(brand, policy)

    await brand.do("setRetentionPolicy", {**rule, "most": 3}, "policy { key }")
    await brand.advance(days=1)
    await until_run(brand, policy, last)
    for _ in range(100):
        if [await leads.stage(one) for one in people] == [None] * 3:
            break
        await asyncio.sleep(0.2)

    assert [await leads.stage(one) for one in people] == [None] * 3
    assert (await brand.payload("deleteRetentionPolicy", {"key": policy}, "deleted"))["deleted"]
    assert (await brand.api(POLICIES, key=policy))["retentionPolicies"] == []


async def last_run(brand: Brand, key: str) -> str | None:
    found: str | None = (await brand.api(POLICIES, key=key))["retentionPolicies"][0]["lastRunAt"]
    return found


async def until_run(brand: Brand, key: str, before: str | None) -> None:
    """Returns when the worker has begun another daily run."""
    async with asyncio.timeout(30):
        while await last_run(brand, key) == before:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.2)
    await asyncio.sleep(1)


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"key": "No Key"}, "INVALID", ["key"]),
        ({"name": ""}, "INVALID", ["name"]),
        ({"most": 0}, "INVALID", ["most"]),
        ({"rule": {"segment": "no-such-segment"}}, "NOT_FOUND", ["rule", "segment"]),
    ],
)
async def test_a_policy_that_makes_no_sense_is_refused(
    brand: Brand, given: dict[str, Any], code: str, field: list[str]
) -> None:
    sound = {"key": brand.name("p"), "name": "p", "rule": {"identifier": {"type": "member_card"}}}

    payload = await brand.payload("setRetentionPolicy", {**sound, **given}, "policy { key }")

    assert [(e["code"], e["field"]) for e in payload["userErrors"]] == [(code, field)]
    assert (await brand.api(POLICIES, key=sound["key"]))["retentionPolicies"] == []


async def test_a_segment_that_a_policy_names_is_not_deleted(brand: Brand) -> None:
    key, policy = brand.name("s"), brand.name("p")
    await brand.segment(key, {"event": {"name": brand.name("seen")}})
    rule = {"key": policy, "name": policy, "rule": {"segment": key}}
    await brand.do("setRetentionPolicy", rule, "policy { key }")

    refused = await brand.payload("deleteSegment", {"id": key}, "deletedId")
    assert [(e["code"], e["field"]) for e in refused["userErrors"]] == [("CONFLICT", ["id"])]
    assert policy in refused["userErrors"][0]["message"]

    await brand.do("deleteRetentionPolicy", {"key": policy}, "deleted")
    assert (await brand.payload("deleteSegment", {"id": key}, "deletedId"))["userErrors"] == []
