"""Rules that name very much: thousands of tags, hundreds of tags with rules, all groups of a model."""

from collections.abc import Sequence
from typing import Any, LiteralString

import pytest

from graph.client import Graph
from oneid.bootstrap import Stores
from oneid.bootstrap.work import scores, tags
from oneid.domain.scores.models import ScoreKind, ScoreModel
from oneid.domain.scores.rfm import PRESETS, RfmModel
from oneid.domain.segments.definitions import SegmentKind
from oneid.domain.segments.rules import EventPattern
from oneid.domain.tags.assignments import AssignmentMethod
from oneid.errors import TooLarge
from oneid.services.audiences import AudienceService
from oneid.services.segments import NewSegment, SegmentService
from oneid.services.tags import NewTag
from search.segments.limits import ClauseLimit
from tests.integration.segments.conftest import HandClock
from tests.integration.segments.test_instants import ORDERED, ingest, order
from tests.pipeline import Pipeline

BELOW = {"tag": {"tag": "root", "includeDescendants": True}}


async def below(stores: Stores, count: int, rule: dict[str, Any] | None = None) -> Sequence[str]:
    """A tag with so many below it, of which the first have the rule."""
    children = [NewTag(f"t{n}", "root", rule) for n in range(count)]
    made = await tags(stores).create_all([NewTag("root"), *children], personal=True)
    return [tag.id for tag in made]


async def test_a_rule_may_name_a_tag_with_more_than_a_thousand_below_it(
    pipeline: Pipeline, stores: Stores, segments: SegmentService, clock: HandClock
) -> None:
    clock.at = ORDERED
    one_id, _ = await ingest(pipeline, order("u1", ORDERED), order("u2", ORDERED))
    made = await below(stores, 1_100)
    await tags(stores).assign([one_id], [made[-1]], AssignmentMethod.MANUAL, "test")

    segment = await segments.create(NewSegment("big", "Big", SegmentKind.DYNAMIC, BELOW, personal=True))

    assert not segment.building
    assert await segments.counts([segment]) == [1]
    stored = (await stores.percolator.stored())[segment.id]
    assert len(stored["bool"]["should"][0]["terms"]["holding"]) == 1_101


@pytest.mark.timeout(300)
async def test_a_tag_with_hundreds_of_rules_below_it_is_counted_and_asked(
    pipeline: Pipeline, stores: Stores, audiences: AudienceService, clock: HandClock
) -> None:
    clock.at = ORDERED
    await ingest(pipeline, order("u1", ORDERED), order("u2", ORDERED))
    made = await below(stores, 210, {"identifier": {"type": "user_id"}})

    assert await tags(stores).counts([(made[0], True), (made[0], False), (made[9], False)]) == [2, 0, 2]
    rule = await audiences.read(BELOW, personal=True)
    assert (await audiences.count(rule))[0] == 2


async def test_what_the_index_would_not_take_is_refused_before_it_is_saved(
    pipeline: Pipeline, stores: Stores, segments: SegmentService, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def most(_: ClauseLimit) -> int:
        return 20

    await below(stores, 30)
    monkeypatch.setattr(ClauseLimit, "most", most)
    with pytest.raises(TooLarge, match="asks 31 things of the index, which takes 20") as refused:
        await segments.create(NewSegment("big", "Big", SegmentKind.DYNAMIC, BELOW, personal=True))
    assert refused.value.field == ("rule",)
    assert await segments.find("big") is None


async def test_two_conditions_on_all_groups_of_a_model_are_one_rule(
    pipeline: Pipeline, stores: Stores, audiences: AudienceService, clock: HandClock
) -> None:
    clock.at = ORDERED
    await ingest(pipeline, order("u1", ORDERED, amount=50))
    spec = RfmModel(
        EventPattern("Order"), "amount", 365, (7, 30, 90, 180), (2, 3, 5, 8), (1, 2, 3, 4), "ELEVEN"
    )
    await scores(stores).define(ScoreModel("m", ScoreKind.RFM, spec, 0), personal=True)
    groups = [group.name for group in PRESETS["ELEVEN"]]
    both = {
        "any": [{"rfm": {"model": "m", "groups": groups}}, {"not": {"rfm": {"model": "m", "groups": groups}}}]
    }
    assert (await audiences.count(await audiences.read(both, personal=True)))[0] == 1


async def test_a_count_of_a_saved_segment_costs_one_read_of_the_graph_and_no_write(
    pipeline: Pipeline,
    stores: Stores,
    segments: SegmentService,
    clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock.at = ORDERED
    await ingest(pipeline, order("u1", ORDERED))
    rule = {"all": [{"event": {"name": "Order"}}, {"identifier": {"type": "user_id"}}]}
    segment = await segments.create(NewSegment("buyers", "Buyers", SegmentKind.DYNAMIC, rule, personal=True))
    assert await segments.counts([segment]) == [1]
    asked = list[str]()

    async def read(graph: Graph, name: str, query: LiteralString, /, **parameters: Any) -> Any:
        asked.append(name)
        return await reads(graph, name, query, **parameters)

    async def write(graph: Graph, name: str, query: LiteralString, /, **parameters: Any) -> Any:
        asked.append(name)
        return await writes(graph, name, query, **parameters)

    reads, writes = Graph.read, Graph.write
    monkeypatch.setattr(Graph, "read", read)
    monkeypatch.setattr(Graph, "write", write)
    assert await segments.counts([segment]) == [1]
    assert asked == ["stamps.read"]
