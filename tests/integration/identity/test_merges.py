"""An operator's merge: by hand, beyond limits, with evidence."""

import pytest

from graph import decisions
from graph.decisions import DecisionLog
from graph.rules import RulesStore
from oneid.bootstrap import stewardship
from oneid.domain.decisions import DecisionKind
from oneid.domain.rules import RulesChange
from oneid.services.identity import IdentityService
from tests.pipeline import Pipeline, event


async def test_a_merge_by_hand_passes_limits_and_records_the_rules_of_its_day(pipeline: Pipeline) -> None:
    graph = pipeline.stores.graph
    rules, log = RulesStore(graph), DecisionLog(graph)
    service, steward = IdentityService(rules, log), stewardship(pipeline.stores)
    one, two = await pipeline.ingest(event(user_id="u1"), event(user_id="u2"))
    assert one
    assert two
    version = (await service.update_rules(RulesChange(max_merges=7))).version
    assert await steward.merge(one, [two], "same person at the till") == one
    assert await pipeline.keys(two) == {"user_id:u1", "user_id:u2"}
    (merged,) = await log.page(10, one_ids=[one], kinds=[DecisionKind.MERGED])
    assert (merged.manual, merged.rule_version, merged.reason) == (True, version, "same person at the till")
    assert merged.merged_one_ids == (two,)
    assert await steward.merge(one, [two], "again") == one
    assert len(await log.page(10, one_ids=[one], kinds=[DecisionKind.MERGED])) == 1


async def test_the_evidence_of_a_customer_is_read_whole_a_page_at_a_time(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one, *_) = await pipeline.ingest(*(event(user_id="u1", member_card=f"c{number}") for number in range(5)))
    log = DecisionLog(pipeline.stores.graph)
    whole = await log.all_of([one or ""])
    assert [d.kind for d in whole] == [DecisionKind.CREATED, *[DecisionKind.ADDED] * 4]
    for size in (1, 2, 5):
        monkeypatch.setattr(decisions, "PAGE", size)
        assert await log.all_of([one or ""]) == whole
