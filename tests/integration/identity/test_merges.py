"""An operator's merge: by hand, beyond limits, with evidence."""

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
