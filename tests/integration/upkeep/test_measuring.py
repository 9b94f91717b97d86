"""What waits in the graph is measured for the metrics."""

from datetime import timedelta

from prometheus_client import Gauge

from oneid.bootstrap import Stores, measuring, operation_service
from oneid.clock import sequence
from oneid.domain.messages import format_time
from oneid.metrics import ERASURES_PENDING, OLDEST_ERASURE, OLDEST_OPERATION, OPERATIONS_WAITING

ERASURE = (
    "CREATE (:Erasure {id: 'e1', erasedAt: $at, dueAt: 1}), (:Erasure {id: 'e2', erasedAt: '2000-01-01'})"
)


def shown(*gauges: Gauge) -> list[float]:
    return [sample.value for gauge in gauges for metric in gauge.collect() for sample in metric.samples]


async def test_nothing_waits(clean: None, stores: Stores) -> None:
    await measuring(stores).run_once()
    assert shown(ERASURES_PENDING, OLDEST_ERASURE, OPERATIONS_WAITING, OLDEST_OPERATION) == [0, 0, 0, 0]


async def test_erasures_and_operations_that_wait_are_counted_with_the_age_of_the_oldest(
    clean: None, stores: Stores
) -> None:
    erased = format_time(stores.clock.now() - timedelta(minutes=5))
    await stores.graph.write("test", ERASURE, at=erased)
    started = await operation_service(stores).start("reprocessIdentities", {})
    await stores.graph.write(
        "test", "MATCH (o:Operation {id: $id}) SET o.dueAt = $due", id=started.id, due=sequence() - 7 * 10**9
    )
    await measuring(stores).run_once()
    erasures, erasure, operations, operation = shown(
        ERASURES_PENDING, OLDEST_ERASURE, OPERATIONS_WAITING, OLDEST_OPERATION
    )
    assert (erasures, operations) == (1, 1)
    assert 300 <= erasure < 330
    assert 7 <= operation < 37
