"""What takes longer than a caller waits goes on without it."""

import pytest

from oneid.bootstrap import Stores, building, marking, materialisation
from oneid.domain.catalog import AttributeType
from oneid.domain.messages import Item
from oneid.domain.segments.definitions import SegmentKind
from oneid.errors import Retriable
from oneid.services import building as building_module
from oneid.services import evaluation
from oneid.services import marking as marking_module
from oneid.services.attributes import AttributeService, DefinitionChange
from oneid.services.audiences import AudienceService
from oneid.services.segments import NewSegment, SegmentService
from tests.integration.segments.conftest import HandClock
from tests.pipeline import START, Pipeline, event

ORDERED = {"event": {"name": "Order"}}
VIEWED_THEN_ORDERED = {"sequence": {"steps": [{"name": "View"}, {"name": "Order"}], "withinHours": 24}}


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits."""
    for module in (evaluation, building_module, marking_module):
        monkeypatch.setattr(module, "PATIENCE", 0.0)


def told(name: str, user: str) -> Item:
    return event(user_id=user, extra={"event": name})


@pytest.fixture
async def bought(pipeline: Pipeline, clock: HandClock) -> list[str | None]:
    """Ann and Bob have viewed and ordered, Cid has viewed."""
    clock.at = START.replace(month=2)
    await pipeline.ingest(*(told("View", user) for user in ("ann", "bob", "cid")))
    found = await pipeline.ingest(*(told("Order", user) for user in ("ann", "bob")))
    await materialisation(pipeline.stores).settle()
    return found


async def test_a_segment_that_takes_long_is_saved_and_built_by_the_worker(
    bought: list[str | None], stores: Stores, segments: SegmentService, hurry: None
) -> None:
    saved = await segments.create(
        NewSegment("ordered", "Ordered", SegmentKind.DYNAMIC, ORDERED, personal=True)
    )
    assert saved.building
    assert await segments.counts([saved]) == [2]

    await building(stores).run_once()

    built = await segments.get("ordered")
    assert not built.building
    page = await segments.members(built, first=10)
    assert {record.one_id for record in page.nodes} == set(bought)


async def test_who_asks_what_only_the_worker_can_find_out_is_told_to_come_back(
    bought: list[str | None], stores: Stores, audiences: AudienceService, hurry: None
) -> None:
    rule = await audiences.read(VIEWED_THEN_ORDERED, personal=True)
    with pytest.raises(Retriable) as refused:
        await audiences.count(rule)
    assert refused.value.retry_after == 0.0

    assert await materialisation(stores).run_once() == 1

    assert (await audiences.count(rule))[0] == 2
    assert await materialisation(stores).run_once() == 0


async def test_values_from_before_a_declaration_are_found_once_the_worker_has_marked_them(
    pipeline: Pipeline,
    stores: Stores,
    attributes: AttributeService,
    audiences: AudienceService,
    monkeypatch: pytest.MonkeyPatch,
    hurry: None,
) -> None:
    await pipeline.ingest(event(user_id="ann", kind="identify", extra={"traits": {"city": "上海"}}))
    await materialisation(stores).settle()
    await attributes.define(DefinitionChange("city", AttributeType.STRING))
    await materialisation(stores).settle()
    rule = await audiences.read({"attribute": {"key": "city", "op": "EQ", "value": "上海"}}, personal=True)
    assert (await audiences.count(rule))[0] == 0

    assert await marking(stores).run_once() == 1

    await materialisation(stores).settle()
    assert (await audiences.count(rule))[0] == 1
    assert await marking(stores).run_once() == 0
