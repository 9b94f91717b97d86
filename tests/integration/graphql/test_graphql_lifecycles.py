"""Lifecycles over GraphQL: by events, by time, by hand; who is where, and how that changed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.graphql_api import Api, Fresh
from tests.integration.graphql.test_graphql_segments import members

pytestmark = pytest.mark.usefixtures("consumer")

DEFINE = """
mutation D($input: DefineLifecycleInput!) {
  defineLifecycle(input: $input) {
    lifecycle { id version distribution { stage count } } userErrors { code field message }
  }
}
"""
MOVE = "mutation M($input: MoveToStageInput!) { moveToStage(input: $input) { userErrors { code field } } }"
WHERE = """
query W($id: String!) { customer(by: { oneId: $id }) {
  lifecycleStages { lifecycle { key } stage since manual }
} }
"""
TREND = """
query T($id: ID!, $since: String!, $until: String!) { node(id: $id) { ... on Lifecycle {
  distribution { stage count }
  trend(since: $since, until: $until) { day stages { stage count } }
  matrix(since: $since, until: $until) { from to count }
} } }
"""
PREVIEW = """
query P($input: DefineLifecycleInput!) { lifecyclePreview(input: $input) { from to count } }
"""
ADVANCE = "mutation V($by: String!) { advanceClock(input: { by: $by }) { userErrors { code } } }"


async def now(api: Api) -> datetime:
    text: str = (await api("{ clock { now } }"))["clock"]["now"]
    return datetime.fromisoformat(text).astimezone(UTC)


async def did(api: Api, user: str, event: str) -> str:
    item = {"type": "track", "userId": user, "event": event, "timestamp": (await now(api)).isoformat()}
    (result,) = await api.ingest(item, wait="INDEXED")
    one_id: str = result["oneId"]
    return one_id


async def where(api: Api, one_id: str, key: str) -> tuple[str, bool] | None:
    found = (await api(WHERE, id=one_id))["customer"]["lifecycleStages"]
    return next(((one["stage"], one["manual"]) for one in found if one["lifecycle"]["key"] == key), None)


def stage(key: str, rule: dict[str, Any], sources: list[str] | None = None) -> dict[str, Any]:
    return {"key": key, "name": key, "rule": rule, "from": sources}


def happened(event: str, days: int | None = None) -> dict[str, Any]:
    return {"event": {"name": event, **({"window": {"lastDays": days}} if days else {})}}


async def defined(api: Api, key: str, *stages: dict[str, Any]) -> dict[str, Any]:
    answer = (await api(DEFINE, input={"key": key, "name": key, "stages": list(stages)}))["defineLifecycle"]
    assert answer["userErrors"] == []
    lifecycle: dict[str, Any] = answer["lifecycle"]
    return lifecycle


def counted(rows: list[dict[str, Any]]) -> dict[str, int]:
    return {row["stage"]: row["count"] for row in rows if row["count"]}


@pytest.mark.parametrize(("template", "days"), [("AISAS", 5), ("LEAD", 0), ("LEAD", 36_501)])
async def test_days_of_quiet_are_of_leads_and_whole(api: Api, template: str, days: int) -> None:
    install = """
    mutation I($template: LifecycleTemplate!, $days: Int) {
      installLifecycle(input: { template: $template, quietDays: $days }) {
        lifecycle { id } userErrors { code field }
      }
    }
    """

    payload = (await api(install, template=template, days=days))["installLifecycle"]

    assert payload == {"lifecycle": None, "userErrors": [{"code": "INVALID", "field": ["quietDays"]}]}


async def test_events_and_time_move_people_and_the_trend_and_the_matrix_tell_it(
    api: Api, fresh: Fresh, name: str
) -> None:
    """A05 (a lead without an event for 60 days), A59, A60."""
    lead, buys = f"{name}_seen", f"{name}_bought"
    quiet = {"all": [happened(lead), {"not": happened(lead, 60)}, {"not": happened(buys)}]}
    lifecycle = await defined(
        api,
        name,
        stage("lead", happened(lead)),
        stage("buyer", happened(buys)),
        stage("suppressed", quiet, ["lead"]),
    )
    first = (await now(api)).astimezone(UTC)
    idle, buyer = [await did(api, fresh("u"), lead) for _ in range(2)]
    query = "query I($id: String!) { customer(by: { oneId: $id }) { identifiers { value } } }"
    (known,) = (await api(query, id=buyer))["customer"]["identifiers"]
    assert [await where(api, one, name) for one in (idle, buyer)] == [("lead", False)] * 2
    await api(ADVANCE, by="P1D")
    await did(api, known["value"], buys)
    assert await where(api, buyer, name) == ("buyer", False)

    await api(ADVANCE, by="P60D")

    assert [await where(api, one, name) for one in (idle, buyer)] == [("suppressed", False), ("buyer", False)]
    assert await members(api, {"stage": {"lifecycle": name, "stage": "suppressed"}}) == {idle}
    assert await members(api, {"stage": {"lifecycle": name, "stage": "buyer", "inForDays": 60}}) == {buyer}
    assert await members(api, {"stage": {"lifecycle": name, "stage": "suppressed", "inForDays": 2}}) == set()
    days = [(first + timedelta(days=n + 1)).date().isoformat() for n in (0, 62)]
    told = (await api(TREND, id=lifecycle["id"], since=days[0], until=days[1]))["node"]
    assert counted(told["distribution"]) == {"buyer": 1, "suppressed": 1}
    counts = [counted(day["stages"]) for day in told["trend"]]
    assert len(counts) == 63
    assert counts[2] == counts[40] == {"lead": 1, "buyer": 1}
    assert counts[-1] == {"buyer": 1, "suppressed": 1}
    rows = {(flow["from"], flow["to"]): flow["count"] for flow in told["matrix"]}
    by_source = {source: sum(n for (s, _), n in rows.items() if s == source) for source, _ in rows}
    assert by_source == counts[0]
    assert sum(rows.values()) == 2
    assert {to for _, to in rows} == {"buyer", "suppressed"}


async def test_illegal_jumps_are_refused_and_what_a_person_does_stays(
    api: Api, fresh: Fresh, name: str
) -> None:
    """A59."""
    one, two, three = (f"{name}_{n}" for n in range(3))
    await defined(
        api,
        name,
        stage("a", happened(one)),
        stage("b", happened(two), ["a"]),
        stage("c", happened(three), ["b"]),
    )
    user = fresh("u")
    one_id = await did(api, user, one)
    await did(api, user, three)
    assert await where(api, one_id, name) == ("a", False), "c is reached from b only"

    async def move(stage: str, **given: Any) -> list[dict[str, Any]]:
        told = {"customer": {"oneId": one_id}, "lifecycle": name, "stage": stage, "reason": "call", **given}
        errors: list[dict[str, Any]] = (await api(MOVE, input=told))["moveToStage"]["userErrors"]
        return errors

    assert await move("c") == [{"code": "CONFLICT", "field": ["stage"]}]
    assert await move("x") == [{"code": "NOT_FOUND", "field": ["stage"]}]
    assert await move("b", reason=" ") == [{"code": "REQUIRED", "field": ["reason"]}]
    assert await where(api, one_id, name) == ("a", False)
    assert await move("b") == []
    assert await where(api, one_id, name) == ("b", True), "c's rule was true before"
    assert await move("a") == [{"code": "CONFLICT", "field": ["stage"]}]
    assert await move("a", force=True) == []
    await did(api, user, two)
    assert await where(api, one_id, name) == ("c", False), "b just became true, and c is reached from it"


async def test_a_preview_tells_how_many_would_move_and_moves_nobody(
    api: Api, fresh: Fresh, name: str
) -> None:
    one, two = f"{name}_1", f"{name}_2"
    ids = [await did(api, fresh("u"), one) for _ in range(3)]
    await did(api, fresh("v"), two)
    stages = [stage("first", happened(one)), stage("second", happened(two))]
    asked = {"key": name, "name": name, "stages": stages}

    told = (await api(PREVIEW, input=asked))["lifecyclePreview"]
    assert told == [{"from": None, "to": "first", "count": 3}, {"from": None, "to": "second", "count": 1}]
    assert [await where(api, one_id, name) for one_id in ids] == [None] * 3

    lifecycle = await defined(api, name, *stages)
    assert counted(lifecycle["distribution"]) == {"first": 3, "second": 1}
    everybody = {**asked, "stages": [stages[0], stage("second", {"any": [happened(one), happened(two)]})]}
    told = (await api(PREVIEW, input=everybody))["lifecyclePreview"]
    assert told == [{"from": "first", "to": "second", "count": 3}]


@pytest.mark.parametrize(
    ("stages", "code", "field"),
    [
        ([], "INVALID", ["stages"]),
        ([stage("a", happened("x"))], "INVALID", ["stages"]),
        ([stage(f"s{n}", happened("x")) for n in range(31)], "TOO_LARGE", ["stages"]),
        ([stage("a", happened("x")), stage("a", happened("y"))], "CONFLICT", ["stages", "1", "key"]),
        (
            [stage("a", happened("x")), stage("b", happened("y"), ["c"])],
            "NOT_FOUND",
            ["stages", "1", "from", "0"],
        ),
        (
            [stage("a", happened("x")), stage("b", {"attribute": {"key": "nothing", "op": "EXISTS"}})],
            "NOT_FOUND",
            ["stages", "1", "rule", "attribute", "key"],
        ),
    ],
)
async def test_a_lifecycle_that_makes_no_sense_is_refused_with_the_place(
    api: Api, name: str, stages: list[dict[str, Any]], code: str, field: list[str]
) -> None:
    answer = (await api(DEFINE, input={"key": name, "name": name, "stages": stages}))["defineLifecycle"]
    assert [(e["code"], e["field"]) for e in answer["userErrors"]] == [(code, field)]
    assert name not in {one["key"] for one in (await api("{ lifecycles { key } }"))["lifecycles"]}


async def test_a_stage_may_not_depend_on_its_own_lifecycle(api: Api, name: str) -> None:
    await defined(api, name, stage("a", happened("x")), stage("b", happened("y")))
    own = [stage("a", happened("x")), stage("b", {"stage": {"lifecycle": name, "stage": "a"}})]
    answer = (await api(DEFINE, input={"key": name, "name": name, "stages": own}))["defineLifecycle"]
    assert [(e["code"], e["field"]) for e in answer["userErrors"]] == [("CYCLE", ["stages", "1", "rule"])]
