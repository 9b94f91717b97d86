"""Measures what waits in the graph, for the metrics."""

from graph.client import Graph
from graph.waiting import waiting
from oneid.clock import Clock, sequence
from oneid.domain.messages import parse_time
from oneid.metrics import ERASURES_PENDING, OLDEST_ERASURE, OLDEST_OPERATION, OPERATIONS_WAITING


class MeasuringService:
    """Sets the gauges of what several processes share: each worker shows the same."""

    def __init__(self, graph: Graph, clock: Clock) -> None:
        self._graph = graph
        self._clock = clock

    async def run_once(self) -> int:
        """Measures and returns 0. Raises Retriable."""
        now = sequence()
        found = await waiting(self._graph, now)
        erased = parse_time(found.oldest_erasure) if found.oldest_erasure else None
        ERASURES_PENDING.set(found.erasures)
        OLDEST_ERASURE.set(max(0.0, (self._clock.now() - erased).total_seconds()) if erased else 0.0)
        OPERATIONS_WAITING.set(found.operations)
        OLDEST_OPERATION.set((now - found.oldest_operation) / 1e9 if found.oldest_operation else 0.0)
        return 0
