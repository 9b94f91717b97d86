"""A51: the registry of moments of truth, whose entries are the triggers."""

from datetime import timedelta
from typing import Any

from tests.acceptance import Brand, event

FIELDS = "created moment { kind key name ruleJson segment { id key count } }"
REGISTRY = "{ momentsOfTruth { kind key ruleJson segment { key } } }"


async def installed(brand: Brand, kind: str, **given: Any) -> str:
    """The key of the segment of a moment; installed anew with what this brand calls its events."""
    registry = (await brand.api(REGISTRY))["momentsOfTruth"]
    key = next(one["key"] for one in registry if one["kind"] == kind)
    await brand.payload("deleteSegment", {"id": key})
    payload = await brand.do("installMomentOfTruth", {"kind": kind, **given}, FIELDS)
    assert payload["created"]
    return str(payload["moment"]["segment"]["key"])


async def test_the_registry_has_three_moments_and_installs_each_once(brand: Brand) -> None:
    key = await installed(brand, "FOLLOWED", event=brand.name("follow"), minutes=7)

    again = await brand.do("installMomentOfTruth", {"kind": "FOLLOWED"}, FIELDS)
    registry = {one["kind"]: one for one in (await brand.api(REGISTRY))["momentsOfTruth"]}
    refused = [
        await brand.payload("installMomentOfTruth", {"kind": "ABOUT_TO_BE_INACTIVE", "minutes": 5}, FIELDS),
        await brand.payload("installMomentOfTruth", {"kind": "FOLLOWED", "minutes": 0}, FIELDS),
    ]

    assert set(registry) == {"FOLLOWED", "UNPAID_ORDER", "ABOUT_TO_BE_INACTIVE"}
    assert registry["FOLLOWED"]["segment"] == {"key": key}
    assert not again["created"]
    steps = again["moment"]["ruleJson"]["sequence"]["steps"]
    assert steps == [{"name": brand.name("follow")}], "what is there stays"
    assert [[(e["code"], e["field"]) for e in one["userErrors"]] for one in refused] == [
        [("INVALID", ["minutes"])],
        [("INVALID", ["minutes"])],
    ]


async def test_minutes_after_a_follow_who_stayed_has_entered(brand: Brand) -> None:
    follow, unfollow = brand.name("follow"), brand.name("unfollow")
    key = await installed(brand, "FOLLOWED", event=follow, unless=unfollow)
    stays, leaves = brand.user(), brand.user()
    followed = await brand.now()
    one_id = await brand.send(stays, event(follow))
    await brand.send(leaves, event(follow))
    await brand.send(leaves, event(unfollow))
    assert await brand.moves(key) == []

    await brand.advance(minutes=6)

    ((kind, who, when),) = await brand.moves(key)
    assert (kind, who) == ("ENTERED", one_id)
    assert timedelta(minutes=5) <= when - followed < timedelta(minutes=5, seconds=30)


async def test_an_order_that_is_not_paid_is_told_after_half_an_hour(brand: Brand) -> None:
    made, paid = brand.name("created"), brand.name("paid")
    key = await installed(brand, "UNPAID_ORDER", event=made, unless=paid)
    pays, forgets = brand.user(), brand.user()
    await brand.send(pays, event(made, order_id="1"))
    await brand.send(pays, event(paid, order_id="1"))
    one_id = await brand.send(forgets, event(made, order_id="2"), event(made, order_id="3"))
    await brand.send(forgets, event(paid, order_id="3"))
    await brand.advance(minutes=29)
    assert await brand.moves(key) == []

    await brand.advance(minutes=2)

    assert [(kind, who) for kind, who, _ in await brand.moves(key)] == [("ENTERED", one_id)]


async def test_about_to_be_inactive_fires_once_in_each_cycle(brand: Brand) -> None:
    """Orders every ten days: at eight days after the last, which is 80 % of the own limit."""
    order, who = brand.name("order"), brand.user()
    key = await installed(brand, "ABOUT_TO_BE_INACTIVE", event=order)
    one_id = await brand.send(who, *(event(order, ago=days) for days in (20, 10, 0)))
    before = len(await brand.moves(key))
    last = await brand.now()

    await brand.advance(days=7, hours=23)
    assert len(await brand.moves(key)) == before
    await brand.advance(hours=2)
    await brand.advance(days=30)

    ((kind, who_entered, when),) = (await brand.moves(key))[before:]
    assert (kind, who_entered) == ("ENTERED", one_id)
    assert abs(when - last - timedelta(days=8)) < timedelta(minutes=1)
    await brand.send(who, event(order))
    assert [one[0] for one in await brand.moves(key)][-1] == "LEFT"
