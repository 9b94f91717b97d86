"""What erases people, made from what it needs."""

from typing import Final

from graph.erasure_results import ErasureResults
from graph.erasure_scrubs import ErasureScrubs
from graph.erasure_work import ErasureWork
from graph.receipts import Receipts
from graph.rule_texts import RuleTexts
from graph.rules import RulesStore
from oneid.bootstrap.stores import Stores
from oneid.bootstrap.work import building, profile_writer, rehoming, searchable
from oneid.log.dead_letters import DeadLetters
from oneid.log.erasure import LogErasure
from oneid.services import exporting, segment_export
from oneid.services.erasure import ErasureService
from oneid.services.erasure_cleanup import ErasureCleanup
from oneid.services.erasure_others import ErasureOthers
from oneid.services.erasure_rules import ErasureRules

PERSONAL: Final = frozenset({exporting.KIND, segment_export.KIND})
"""The kinds of operations whose files show people."""


def erasure_others(stores: Stores) -> ErasureOthers:
    scrubs, make_searchable = ErasureScrubs(stores.graph), searchable(stores)
    return ErasureOthers(
        scrubs, stores.vocabulary.conditions, stores.event_erasure, make_searchable, stores.region
    )


def erasure_rules(stores: Stores) -> ErasureRules:
    return ErasureRules(RuleTexts(stores.graph), stores.vocabulary.conditions, building(stores).build_soon)


def erasure_cleanup(stores: Stores, region: str) -> ErasureCleanup:
    return ErasureCleanup(
        stores.graph,
        ErasureWork(stores.graph),
        erasure_others(stores),
        erasure_rules(stores),
        ErasureResults(stores.graph, PERSONAL),
        RulesStore(stores.graph),
        LogErasure(stores.redis, stores.log.partitions),
        DeadLetters(stores.redis, stores.log.partitions),
        stores.event_erasure,
        profile_writer(stores),
        stores.clock,
        region,
    )


def erasure(stores: Stores, region: str) -> ErasureService:
    return ErasureService(
        stores.graph,
        Receipts(stores.graph),
        erasure_cleanup(stores, region),
        rehoming(stores),
        LogErasure(stores.redis, stores.log.partitions),
        stores.clock,
        region,
    )
