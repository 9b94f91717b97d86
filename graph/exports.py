"""What hangs on a customer, for the person's own copy."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson

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
                data: dict[str, Any] = row["data"]
                read = {name: orjson.loads(data[name]) for name in attached.json if data.get(name)}
                yield attached.name, {**data, **read}
