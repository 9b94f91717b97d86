"""Customers that carry a mark, many at a time, for any number of those who look for them at once."""

from random import randrange
from typing import Any, LiteralString

from graph.client import Graph, Row


class Marked:
    """Reads marked customers. Who finds as many as are read at once goes on somewhere in the middle: others who look at
    the same time find others."""

    def __init__(self, graph: Graph, label: LiteralString) -> None:
        """`label`: the mark."""
        self._graph = graph
        self._count: LiteralString = f"MATCH (c:{label}) RETURN count(c) AS count"
        self._full = False

    async def read(self, name: str, query: LiteralString, limit: int, **parameters: Any) -> Row:
        """The only row of a query that skips $skip customers and reads at most $limit, as `customers`."""
        skip = await self._somewhere(limit) if self._full else 0
        row = await self._read(name, query, skip=skip, limit=limit, **parameters)
        if skip and len(row["customers"]) < limit:
            row = await self._read(name, query, skip=0, limit=limit, **parameters)
        self._full = len(row["customers"]) == limit
        return row

    async def _read(self, name: str, query: LiteralString, **parameters: Any) -> Row:
        (row,) = await self._graph.read(name, query, **parameters)
        return row

    async def _somewhere(self, limit: int) -> int:
        count = (await self._graph.read("marked.count", self._count))[0]["count"]
        return randrange(count - limit) if count > 2 * limit else 0
