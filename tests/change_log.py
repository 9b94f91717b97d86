"""Decisions that are written out of order, as transactions that commit in another order would."""

import itertools
from collections.abc import Sequence
from typing import Any, Final

from graph.client import Graph

FUTURE: Final = 4_000_000_000_000_000_000
"""A sequence that nothing else reaches."""

SECOND: Final = 1_000_000_000


class Writer:
    """Writes decisions of given sequences."""

    def __init__(self, graph: Graph, run: str) -> None:
        self.graph = graph
        self.run = run
        self._numbers = itertools.count()

    async def commit(self, *at: int) -> list[str]:
        """Their ids."""
        rows = [self._row(sequence) for sequence in at]
        await self.graph.write(
            "test.decisions", "UNWIND $rows AS row CREATE (d:Decision) SET d = row", rows=rows
        )
        return [row["id"] for row in rows]

    async def forget(self, ids: Sequence[str]) -> None:
        await self.graph.write("test.forget", "MATCH (d:Decision) WHERE d.id IN $ids DELETE d", ids=list(ids))

    def _row(self, sequence: int) -> dict[str, Any]:
        id_ = f"{self.run}-{next(self._numbers)}"
        lists: dict[str, list[str]] = {"mergedOneIds": [], "kept": [], "dropped": []}
        told = {"id": id_, "seq": sequence, "kind": "CREATED", "at": "2026-01-01T00:00:00.000Z", "oneId": id_}
        return {**told, **lists, "ruleVersion": 1, "manual": False}
