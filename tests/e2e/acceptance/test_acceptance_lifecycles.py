"""A06, A59, A60: stages of lifecycles, how people move, and what that comes to."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.acceptance import Brand, event

CHANGES = """
query Changes($id: String!, $key: String) {
  customer(by: { oneId: $id }) {
    oneId
    lifecycleStages { lifecycle { key } stage since manual }
    stageChanges(lifecycle: $key) { from to at manual reason }
  }
}
"""
PREVIEW = "query P($input: DefineLifecycleInput!) { lifecyclePreview(input: $input) { from to count } }"
INSIGHT = """
query I($id: ID!, $since: String!, $until: String!) { node(id: $id) { ... on Lifecycle {
  distribution { stage count }
  trend(since: $since, until: $until) { day stages { stage count } }
  matrix(since: $since, until: $until) { from to count }
} } }
"""
AISAS = ("ad.impression", "wechat.follow", "search", "order.paid", "share")


def stage(key: str, name: str, *sources: str, days: int | None = None) -> dict[str, Any]:
    """Who did an event, in the last so many days."""
    rule = {"event": {"name": name, **({"window": {"lastDays": days}} if days else {})}}
    return {"key": key, "name": key, "rule": rule, "from": list(sources) or None}


async def define(brand: Brand, *stages: dict[str, Any]) -> str:
    """The id of a lifecycle."""
    key = brand.name("life")
    made = await brand.do(
        "defineLifecycle", {"key": key, "name": key, "stages": list(stages)}, "lifecycle { id }"
    )
    return str(made["lifecycle"]["id"])


async def told(brand: Brand, one_id: str, key: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = (await brand.api(CHANGES, id=one_id, key=key or brand.name("life")))["customer"]
    return found


async def path(brand: Brand, one_id: str) -> list[tuple[str | None, str, bool, str | None]]:
    """The steps of a customer, the oldest first."""
    steps = reversed((await told(brand, one_id))["stageChanges"])
    return [(one["from"], one["to"], one["manual"], one["reason"]) for one in steps]


async def test_one_person_goes_from_attention_to_share_each_step_dated(brand: Brand) -> None:
    """A06: and what is shown differs by stage, which is a condition."""
    await brand.do("installLifecycle", {"template": "AISAS"}, "lifecycle { key }")
    who, times, one_id = brand.user(), [], ""
    for name in AISAS:
        times.append(await brand.now())
        one_id = await brand.send(who, event(name))
        await brand.advance(days=1)

    found = await told(brand, one_id, "aisas")

    steps = list(reversed(found["stageChanges"]))
    assert [(one["from"], one["to"]) for one in steps] == [
        (None, "attention"),
        ("attention", "interest"),
        ("interest", "search"),
        ("search", "action"),
        ("action", "share"),
    ]
    for sent, step in zip(times, steps, strict=True):
        assert (
            sent - timedelta(seconds=1) <= datetime.fromisoformat(step["at"]) < sent + timedelta(seconds=30)
        )
    here = {one["lifecycle"]["key"]: (one["stage"], one["since"]) for one in found["lifecycleStages"]}
    assert here["aisas"] == ("share", steps[-1]["at"])
    at_stage = {
        key: one_id in await brand.find({"stage": {"lifecycle": "aisas", "stage": key}})
        for key in ("attention", "interest", "search", "action", "share")
    }
    assert [key for key, inside in at_stage.items() if inside] == ["share"]


@pytest.mark.parametrize("apart", [0, 1], ids=["of one instant", "of five days"])
async def test_what_a_client_sends_in_one_batch_is_told_step_by_step(brand: Brand, apart: int) -> None:
    """A06 for somebody whose phone was offline: none of the five steps is lost, each has its own time."""
    await brand.do("installLifecycle", {"template": "AISAS"}, "lifecycle { key }")
    now = await brand.now()
    sent = [event(name, ago=apart * (len(AISAS) - n)) for n, name in enumerate(AISAS)]

    one_id = await brand.send(brand.user(), *sent)

    steps = list(reversed((await told(brand, one_id, "aisas"))["stageChanges"]))
    assert [one["to"] for one in steps] == ["attention", "interest", "search", "action", "share"]
    assert [one["from"] for one in steps] == [None, *(one["to"] for one in steps[:-1])]
    for item, step in zip(sent, steps, strict=True):
        at = datetime.fromisoformat(step["at"])
        assert abs(at - (now - timedelta(days=item["ago"]))) < timedelta(seconds=30)


def three_stages(brand: Brand) -> list[dict[str, Any]]:
    """new, then active, then vip; nobody leaves one out."""
    one, two, three = (brand.name(str(n)) for n in (1, 2, 3))
    return [stage("new", one), stage("active", two, "new", days=30), stage("vip", three, "active")]


async def test_a_dry_run_tells_how_many_would_move_and_moves_nobody(brand: Brand) -> None:
    """A59."""
    stages = three_stages(brand)
    asked = {"key": brand.name("life"), "name": "life", "stages": stages}
    ids = [await brand.send(brand.user(), event(brand.name("1"))) for _ in range(3)]
    ids.append(await brand.send(brand.user(), event(brand.name("1")), event(brand.name("2"))))

    preview = (await brand.api(PREVIEW, input=asked))["lifecyclePreview"]

    assert {(flow["from"], flow["to"]): flow["count"] for flow in preview} == {
        (None, "new"): 3,
        (None, "active"): 1,
    }
    assert [await path(brand, one_id) for one_id in ids] == [[]] * 4
    await define(brand, *stages)
    assert [await path(brand, one_id) for one_id in ids] == [
        *([(None, "new", False, None)] for _ in range(3)),
        [(None, "active", False, None)],
    ]


async def test_jumps_are_refused_and_moves_by_hand_are_logged(brand: Brand) -> None:
    """A59: and one event may lead on by several steps."""
    one, two, three = (brand.name(str(n)) for n in (1, 2, 3))
    await define(brand, *three_stages(brand))
    people = [brand.user() for _ in range(2)]
    ids = [await brand.send(who, event(one)) for who in people]

    async def move(who: int, to: str, **given: Any) -> list[tuple[str, list[str]]]:
        lookup = {"customer": {"oneId": ids[who]}, "lifecycle": brand.name("life"), "stage": to}
        told = {**lookup, "reason": "call", **given}
        payload = await brand.payload("moveToStage", told, "lifecycle { key }")
        return [(error["code"], error["field"]) for error in payload["userErrors"]]

    await brand.send(people[0], event(three))
    assert await path(brand, ids[0]) == [(None, "new", False, None)], "from new nobody comes to vip"
    assert await move(0, "vip") == [("CONFLICT", ["stage"])]
    assert await move(0, "vip", reason=" ") == [("REQUIRED", ["reason"])]
    assert await path(brand, ids[0]) == [(None, "new", False, None)]
    assert await move(1, "vip", force=True, reason="asked by the boss") == []
    # What leads to active is told, and the rule of vip is true already.
    await brand.send(people[0], event(two))

    assert await path(brand, ids[0]) == [
        (None, "new", False, None),
        ("new", "active", False, None),
        ("active", "vip", False, None),
    ]
    by_hand = ("new", "vip", True, "asked by the boss")
    assert await path(brand, ids[1]) == [(None, "new", False, None), by_hand]


async def test_time_alone_moves_people(brand: Brand) -> None:
    """A59."""
    order = brand.name("order")
    quiet = {
        "all": [{"event": {"name": order}}, {"not": {"event": {"name": order, "window": {"lastDays": 90}}}}]
    }
    await define(
        brand,
        stage("active", order, "lapsed", days=90),
        {"key": "lapsed", "name": "lapsed", "rule": quiet, "from": ["active"]},
    )
    who = brand.user()
    one_id = await brand.send(who, event(order))
    ordered = await brand.now()

    await brand.advance(days=89, hours=23)
    assert len(await path(brand, one_id)) == 1
    await brand.advance(hours=2)

    found = await told(brand, one_id)
    assert [(one["from"], one["to"]) for one in found["stageChanges"]] == [
        ("active", "lapsed"),
        (None, "active"),
    ]
    assert abs(
        datetime.fromisoformat(found["stageChanges"][0]["at"]) - ordered - timedelta(days=90)
    ) < timedelta(seconds=30)
    await brand.send(who, event(order))
    stages = (await told(brand, one_id))["lifecycleStages"]
    assert [one["stage"] for one in stages if one["lifecycle"]["key"] == brand.name("life")] == ["active"]


async def test_the_matrix_adds_up_to_the_first_day_also_when_people_merge_in_between(brand: Brand) -> None:
    """A60: each row of the matrix sums to the count of its stage on the first day."""
    seen, bought, gone = (brand.name(what) for what in ("seen", "bought", "gone"))
    id_ = await define(brand, stage("lead", seen), stage("buyer", bought), stage("lost", gone))
    people = [brand.user() for _ in range(7)]
    for who in people:
        await brand.send(who, event(seen))
    for who in people[4:]:
        await brand.send(who, event(bought))
    first = await brand.now()
    await brand.advance(days=2)
    # A lead who is one person with a buyer, two leads who are one, one who buys, one who goes.
    by = [{"identifier": {"type": "user_id", "value": who["userId"]}} for who in people]
    await brand.do(
        "mergeCustomers", {"into": by[0], "from": [by[4]], "reason": "same phone"}, "customer { oneId }"
    )
    await brand.do(
        "mergeCustomers", {"into": by[1], "from": [by[2]], "reason": "same phone"}, "customer { oneId }"
    )
    await brand.send(people[3], event(bought))
    await brand.send(people[5], event(gone))
    await brand.send(people[0], event(brand.name("nothing")))
    last = await brand.now()
    await brand.advance(days=2)

    days = [(first + timedelta(days=1)).date().isoformat(), (last + timedelta(days=1)).date().isoformat()]
    told_ = (await brand.api(INSIGHT, id=id_, since=days[0], until=days[1]))["node"]

    trend = [counted(day["stages"]) for day in told_["trend"]]
    rows, columns = Counter[str](), Counter[str]()
    for flow in told_["matrix"]:
        rows[flow["from"]] += flow["count"]
        columns[flow["to"]] += flow["count"]
    assert dict(rows) == trend[0]
    assert dict(columns) == trend[-1] == counted(told_["distribution"])
    assert counted(told_["distribution"]) == {"lead": 1, "buyer": 3, "lost": 1}
    assert sum(rows.values()) == 5


def counted(rows: list[dict[str, Any]]) -> dict[str, int]:
    return {row["stage"]: row["count"] for row in rows if row["count"]}
