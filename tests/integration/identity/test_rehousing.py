"""Households after reprocessing: the memberships that today's rules would have made."""

from graph.client import Row
from graph.rules import RulesStore
from oneid.bootstrap import stewardship
from oneid.domain.identifiers import Identifier
from oneid.domain.rules import BlockedValue, RulesChange, TypeChange
from tests.integration.identity.test_reprocessing import result
from tests.pipeline import START, Pipeline, event

METER = TypeChange("meter", household=True)
ALL = """
MATCH (h:Household)
OPTIONAL MATCH (c:Customer)-[m:MEMBER_OF]->(h)
RETURN h.key AS household, c.oneId AS customer, m.via AS via, m.since AS since, m.lastSeenAt AS lastSeenAt
ORDER BY household, customer, via
"""


async def rules(pipeline: Pipeline, *types: TypeChange, block: tuple[BlockedValue, ...] = ()) -> None:
    await RulesStore(pipeline.stores.graph).change(RulesChange(types=types, block=block).apply)


async def memberships(pipeline: Pipeline) -> list[Row]:
    return await pipeline.stores.graph.read("test.memberships", ALL)


async def who(pipeline: Pipeline) -> set[tuple[str, str, str]]:
    return {(row["household"], row["customer"], row["via"]) for row in await memberships(pipeline)}


async def test_a_type_that_became_a_households_makes_the_memberships_of_the_past(pipeline: Pipeline) -> None:
    one, _, two = await pipeline.ingest(
        event(user_id="u1", meter="m1", at=START.replace(day=3)),
        event(anonymous_id="a1", user_id="u1", meter="m1", at=START.replace(day=2)),
        event(user_id="u2", meter="m1", at=START.replace(day=4)),
    )
    assert await memberships(pipeline) == []
    await rules(pipeline, METER)
    assert (await result(pipeline.stores, dry_run=True))["memberships"] == 2
    assert await memberships(pipeline) == []

    assert (await result(pipeline.stores))["memberships"] == 2

    found = await memberships(pipeline)
    assert {(row["customer"], row["via"]) for row in found} == {(one, "user_id:u1"), (two, "user_id:u2")}
    times = {row["via"]: (row["since"][:10], row["lastSeenAt"][:10]) for row in found}
    assert times["user_id:u1"] == ("2026-01-02", "2026-01-03")
    assert (await result(pipeline.stores))["memberships"] == 0
    assert await memberships(pipeline) == found


async def test_what_is_no_household_any_more_ends(pipeline: Pipeline) -> None:
    await rules(pipeline, METER)
    one, _ = await pipeline.ingest(
        event(user_id="u1", meter="m1", landline="02161234567"), event(user_id="u2", meter="m2")
    )
    await rules(pipeline, TypeChange("meter", household=False, joins_people=False))
    assert (await result(pipeline.stores))["memberships"] == 2
    assert await who(pipeline) == {("landline:+862161234567", one, "user_id:u1")}
    blocked = BlockedValue("landline", exact="+862161234567")
    await rules(pipeline, block=(blocked,))
    await result(pipeline.stores)
    assert await memberships(pipeline) == []


async def test_a_membership_goes_where_its_events_go(pipeline: Pipeline) -> None:
    """The card joins nobody any more, so the call by card is the caller's own."""
    one, _ = await pipeline.ingest(
        event(user_id="u1", member_card="c1"),
        event(member_card="c1", device_id="d1", landline="02161234567"),
    )
    assert await who(pipeline) == {("landline:+862161234567", one, "member_card:c1")}
    await rules(pipeline, block=(BlockedValue("member_card", exact="c1"),))
    await result(pipeline.stores)
    device = await pipeline.owner("device_id", "d1")
    assert device != one
    assert await who(pipeline) == {("landline:+862161234567", device, "device_id:d1")}


async def test_memberships_under_an_operators_hand_stay_as_they_are(pipeline: Pipeline) -> None:
    one, two = await pipeline.ingest(
        event(user_id="u1", landline="02161234567"), event(user_id="u2", landline="02161234567")
    )
    steward = stewardship(pipeline.stores)
    await steward.merge(one or "", [two or ""], None)
    await steward.unlink(Identifier("user_id", "u2"), None)
    before = await memberships(pipeline)
    assert [row["customer"] for row in before] == [one, one]
    assert (await result(pipeline.stores))["memberships"] == 0
    assert await memberships(pipeline) == before
