"""Households: what people share without becoming one, and what becomes of it when people do."""

import pytest

from graph.client import Row
from graph.exports import AttachedData
from graph.household_pages import HouseholdPages
from graph.rules import RulesStore
from oneid.bootstrap import erasure, stewardship
from oneid.domain.identifiers import Identifier
from oneid.domain.rules import RulesChange, TypeChange
from oneid.services.erasure import ErasureService
from oneid.services.stewardship import Split, StewardshipService
from tests.pipeline import START, Pipeline, event, open_pipeline

LANDLINE = "landline:+862161234567"

ALL = """
MATCH (c:Customer)-[m:MEMBER_OF]->(h:Household)
RETURN h.key AS household, c.oneId AS customer, m.via AS via, m.since AS since, m.lastSeenAt AS lastSeenAt
ORDER BY household, customer, via
"""


@pytest.fixture
def steward(pipeline: Pipeline) -> StewardshipService:
    return stewardship(pipeline.stores)


@pytest.fixture
def eraser(pipeline: Pipeline) -> ErasureService:
    return erasure(pipeline.stores, "CN")


async def memberships(pipeline: Pipeline) -> list[Row]:
    return await pipeline.stores.graph.read("test.memberships", ALL)


async def who(pipeline: Pipeline) -> list[tuple[str, str]]:
    """(customer, via) of every membership."""
    return [(row["customer"], row["via"]) for row in await memberships(pipeline)]


async def members(pipeline: Pipeline) -> list[str]:
    """ONE-IDs of the members of the only household."""
    pages = HouseholdPages(pipeline.stores.graph)
    (household,) = await pages.page(10)
    (found,) = await pages.members([household.id], 10, "")
    assert await pages.member_counts([household.id]) == [len(found)]
    return [record.one_id for record in found]


async def test_two_people_with_one_landline_stay_two_and_are_one_household(pipeline: Pipeline) -> None:
    a, b = await pipeline.ingest(
        event(user_id="anna", landline="021-6123 4567"), event(user_id="bo", landline="+862161234567")
    )
    assert a != b
    assert await pipeline.keys(a) == {"user_id:anna"}
    assert await members(pipeline) == sorted([a or "", b or ""])
    assert {row["household"] for row in await memberships(pipeline)} == {LANDLINE}


async def test_a_household_alone_is_nobody(pipeline: Pipeline) -> None:
    assert await pipeline.ingest(event(landline="02161234567")) == [None]
    assert await HouseholdPages(pipeline.stores.graph).count() == 0


async def test_a_declared_type_can_be_a_households_and_a_company_is_none(pipeline: Pipeline) -> None:
    change = RulesChange(types=(TypeChange("meter", household=True),))
    await RulesStore(pipeline.stores.graph).change(change.apply)
    named = {"meter": " M 1 ", "group_id": "acme"}
    a, b = await pipeline.ingest(event(user_id="anna", **named), event(user_id="bo", **named))
    assert a != b
    found = [(row["household"], row["customer"]) for row in await memberships(pipeline)]
    assert found == [("meter:M 1", one) for one in sorted([a or "", b or ""])]


async def test_a_membership_knows_its_first_and_its_last_event_in_whatever_order_they_come(
    pipeline: Pipeline,
) -> None:
    days = (3, 4, 2)
    for day in days:
        at = START.replace(day=day)
        await pipeline.ingest(event(user_id="anna", anonymous_id="a1", landline="02161234567", at=at))
    (row,) = await memberships(pipeline)
    assert row["via"] == "user_id:anna"
    assert [row["since"][:10], row["lastSeenAt"][:10]] == ["2026-01-02", "2026-01-04"]


async def test_members_who_become_one_are_one_member_with_both_reasons(
    pipeline: Pipeline, steward: StewardshipService
) -> None:
    early, late = START.replace(day=1), START.replace(day=4)
    a, b, c = await pipeline.ingest(
        event(anonymous_id="a1", landline="02161234567", at=early),
        event(user_id="u1", landline="02161234567", at=late),
        event(user_id="u2", landline="02161234567", at=late),
    )
    (joined,) = await pipeline.ingest(event(anonymous_id="a1", user_id="u1"))
    assert joined == a
    assert await members(pipeline) == sorted([a or "", c or ""])
    assert (a, "user_id:u1") in await who(pipeline)
    assert b not in dict(await who(pipeline))
    await steward.merge(c or "", [a or ""], "same person")
    assert await members(pipeline) == [c]
    assert await who(pipeline) == [
        (c, "anonymous_id:a1"),
        (c, "user_id:u1"),
        (c, "user_id:u2"),
    ]


async def test_a_part_that_is_split_off_takes_its_own_reasons_along(
    pipeline: Pipeline, steward: StewardshipService
) -> None:
    one, _, _, _ = await pipeline.ingest(
        event(user_id="u1", landline="02161234567"),
        event(user_id="u1", anonymous_id="a1"),
        event(anonymous_id="a1", landline="02161234567"),
        event(anonymous_id="a1", landline="02187654321"),
    )
    kept, part = await steward.split(Split(one or "", [Identifier("anonymous_id", "a1")]))
    assert kept == one
    found = {(row["household"], row["customer"], row["via"]) for row in await memberships(pipeline)}
    assert found == {
        (LANDLINE, one, "user_id:u1"),
        (LANDLINE, part, "anonymous_id:a1"),
        ("landline:+862187654321", part, "anonymous_id:a1"),
    }


async def test_an_erased_member_leaves_and_the_last_one_takes_the_household_along(
    pipeline: Pipeline, eraser: ErasureService
) -> None:
    a, b = await pipeline.ingest(
        event(user_id="anna", landline="02161234567"), event(user_id="bo", landline="02161234567")
    )
    await eraser.erase(a or "")
    assert await members(pipeline) == [b]
    await eraser.erase(b or "")
    assert await HouseholdPages(pipeline.stores.graph).count() == 0


async def test_a_persons_own_copy_names_their_households(pipeline: Pipeline) -> None:
    at = START.replace(day=4)
    (one,) = await pipeline.ingest(event(user_id="anna", landline="02161234567", at=at))
    found = [item async for item in AttachedData(pipeline.stores.graph).of([one or ""])]
    moment = "2026-01-04T08:00:00.000Z"
    data = {"household": LANDLINE, "via": "user_id:anna", "since": moment, "lastSeenAt": moment}
    assert found == [("households", data)]


async def test_an_event_that_is_applied_again_after_a_crash_changes_no_membership(pipeline: Pipeline) -> None:
    await pipeline.append([event(user_id="anna", landline="02161234567")])
    entries = await pipeline.stores.log.read(0, pipeline.holder, 10, 1)
    await pipeline.service.apply(entries)
    before = await memberships(pipeline)
    again = await open_pipeline(pipeline.stores, "another")
    await again.service.apply(entries)
    assert await memberships(pipeline) == before
    assert len(before) == 1
