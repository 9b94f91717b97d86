"""What hangs on a customer, for the person's own copy."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from graph.attached import ATTACHED
from graph.client import Graph


class AttachedData:
    """Reads every kind of attached data."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def of(self, one_ids: Sequence[str]) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """(kind, data) for one person; `one_ids` are all that they have had."""
        for attached in ATTACHED:
            rows = await self._graph.read(f"exports.{attached.name}", attached.export, oneIds=list(one_ids))
            for row in rows:
                yield attached.name, row["data"]
