"""What workers do besides the log, made from what it needs."""

from dataclasses import dataclass

from graph.retention import RetentionPolicies
from oneid.bootstrap.erasing import erasure
from oneid.bootstrap.stores import Stores
from oneid.bootstrap.work import (
    audiences,
    customer_export,
    definitions,
    evaluation,
    judging,
    operation_runner,
    operation_service,
    previews,
    projection,
    proposal_search,
    reconciliation,
    rehoming,
    reindex,
    reprocessing_of,
    searchable,
    segment_exports,
)
from oneid.services import exporting, proposals, reindexing, reprocessing, segment_export
from oneid.services import retention as retention_policies
from oneid.services.evaluation import EvaluationService
from oneid.services.judging import JudgingService
from oneid.services.operation_run import Handler
from oneid.services.operation_runner import OperationRunner
from oneid.services.projection import ProjectionService
from oneid.services.reconciliation import ReconciliationService
from oneid.services.rehoming import RehomingService
from oneid.services.retention import RetentionRun, RetentionService


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What keeps the index equal to the graph, and what carries operations out."""

    projection: ProjectionService
    judging: JudgingService
    evaluation: EvaluationService
    rehoming: RehomingService
    reconciliation: ReconciliationService
    operations: OperationRunner


def upkeep(stores: Stores) -> Upkeep:
    return Upkeep(
        projection(stores),
        judging(stores),
        evaluation(stores),
        rehoming(stores),
        reconciliation(stores),
        operation_runner(stores, handlers(stores)),
    )


def handlers(stores: Stores) -> dict[str, Handler]:
    """What carries out each kind of operation."""
    return {
        exporting.KIND: customer_export(stores).handle,
        proposals.KIND: proposal_search(stores).handle,
        reindexing.KIND: reindex(stores).run,
        reprocessing.KIND: reprocessing_of(stores).handle,
        retention_policies.KIND: retention_run(stores).handle,
        segment_export.KIND: segment_exports(stores).handle,
    }


def retention(stores: Stores) -> RetentionService:
    return RetentionService(
        definitions(stores),
        RetentionPolicies(stores.graph),
        audiences(stores),
        previews(stores),
        operation_service(stores),
        stores.clock,
    )


def retention_run(stores: Stores) -> RetentionRun:
    return RetentionRun(
        RetentionPolicies(stores.graph),
        audiences(stores),
        stores.members,
        erasure(stores, stores.region),
        searchable(stores),
    )
