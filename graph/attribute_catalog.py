"""The catalog of declared attributes in Neo4j: one node, read by version, changed under its lock."""

from collections.abc import Callable
from typing import Any, Final

import orjson
from neo4j import AsyncManagedTransaction
from pydantic import TypeAdapter

from graph.client import Graph
from graph.markings import EVERYBODY, note
from oneid.domain.catalog import AttributeDefinition, Catalog
from oneid.domain.computations import Computation
from oneid.domain.tags.scorers import Scorer

STORED: Final = TypeAdapter(tuple[AttributeDefinition, ...])
SCORERS: Final = TypeAdapter(tuple[tuple[int, Scorer], ...])
COMPUTATIONS: Final = TypeAdapter(tuple[tuple[str, Computation], ...])

READ: Final = """
OPTIONAL MATCH (a:AttributeCatalog {id: 'current'})
WITH a, coalesce(a.stamp, a.version, 0) AS stamp
RETURN stamp, a.version AS version, CASE WHEN stamp <> $known THEN coalesce(a.definitions, '[]') END AS definitions,
       CASE WHEN stamp <> $known THEN a.scorers END AS scorers,
       CASE WHEN stamp <> $known THEN a.computations END AS computations
"""

LOCK: Final = """
MERGE (a:AttributeCatalog {id: 'current'}) SET a.lock = timestamp()
RETURN a.version AS version, a.definitions AS definitions, a.scorers AS scorers,
       a.computations AS computations
"""

# The stamp is a time, not a count: after a restore the same one never stands for something else.
WRITE: Final = """
MATCH (a:AttributeCatalog {id: 'current'})
SET a.stamp = timestamp() * 1000000 + toInteger(rand() * 1000000)
SET a.version = $version, a.definitions = $definitions, a.scorers = $scorers, a.computations = $computations,
    a.names = $names
"""

# The mark comes first: it takes the lock under which the version is counted up.
MARK: Final = """
MATCH (c:Customer) WHERE c.oneId > $after AND c.attributes CONTAINS $stored
WITH c ORDER BY c.oneId LIMIT $limit
SET c:Dirty
SET c.version = c.version + 1
RETURN max(c.oneId) AS last, count(c) AS marked
"""

MARK_ALL: Final = """
MATCH (c:Customer) WHERE c.oneId > $after AND NOT c:Merged
WITH c ORDER BY c.oneId LIMIT $limit
SET c:Dirty
SET c.version = c.version + 1
RETURN max(c.oneId) AS last, count(c) AS marked
"""


class AttributeCatalog:
    """Reads and changes the catalog. What was read last is kept, and sent again only where it has changed. `zone`: in
    which the deployment's days begin, for whoever makes documents."""

    def __init__(self, graph: Graph, zone: str = "UTC") -> None:
        self._graph = graph
        self._zone = zone
        self._catalog = Catalog(zone=zone)
        self._stamp = -1

    async def current(self) -> Catalog:
        """The catalog as it is now."""
        rows = await self._graph.read("catalog.read", READ, known=self._stamp)
        return self._newest(rows[0])

    async def within(self, tx: AsyncManagedTransaction) -> Catalog:
        """The catalog as a transaction sees it."""
        row = await (await tx.run(READ, known=self._stamp)).single(strict=True)
        return self._newest(row.data())

    async def change(self, change: Callable[[Catalog], Catalog], key: str = EVERYBODY) -> Catalog:
        """Applies `change` to the catalog; concurrent changes follow one another. `key`: of the attribute whose
        customers are to be marked, if it changes anything."""

        return await self._graph.transact("catalog.change", lambda tx: self.change_within(tx, change, key))

    async def change_within(
        self, tx: AsyncManagedTransaction, change: Callable[[Catalog], Catalog], key: str = EVERYBODY
    ) -> Catalog:
        """As `change` does, in a transaction that changes more."""
        row = await (await tx.run(LOCK)).single(strict=True)
        before = parse(row.data(), self._zone)
        catalog = change(before)
        if catalog.version == before.version:
            return catalog
        stored: dict[str, Any] = {
            "definitions": STORED.dump_json(catalog.definitions).decode(),
            "scorers": SCORERS.dump_json(catalog.scorers).decode(),
            "computations": COMPUTATIONS.dump_json(catalog.computations).decode(),
            "names": sorted({one.pattern.name for one in catalog.computed.values()}),
        }
        await (await tx.run(WRITE, {"version": catalog.version, **stored})).consume()
        computed = catalog.computed.get(key)
        evaluated = {computed.pattern.name} if computed and computed != before.computed.get(key) else ()
        await note(tx, key, list(evaluated))
        return catalog

    async def mark_all(self, *, limit: int = 5_000) -> None:
        """Marks all customers for projection."""
        after = ""
        while True:
            rows = await self._graph.write("catalog.mark_all", MARK_ALL, after=after, limit=limit)
            if rows[0]["marked"] < limit:
                return
            after = rows[0]["last"]

    async def mark(self, key: str, *, limit: int = 5_000) -> int:
        """Marks the customers that hold an attribute for projection; returns how many."""
        # The form in which `attributes.to_stored` writes it.
        stored = f'{orjson.dumps(key).decode()}:{{"v":'
        after, marked = "", 0
        while True:
            rows = await self._graph.write("catalog.mark", MARK, after=after, stored=stored, limit=limit)
            found: int = rows[0]["marked"]
            marked += found
            if found < limit:
                return marked
            after = rows[0]["last"]

    def _newest(self, row: dict[str, Any]) -> Catalog:
        if row["definitions"] is not None:
            self._catalog, self._stamp = parse(row, self._zone), row["stamp"]
        return self._catalog


def parse(row: dict[str, Any], zone: str) -> Catalog:
    definitions, scorers, computations = row["definitions"], row["scorers"], row["computations"]
    return Catalog(
        row["version"] or 0,
        STORED.validate_json(definitions) if definitions else (),
        SCORERS.validate_json(scorers) if scorers else (),
        COMPUTATIONS.validate_json(computations) if computations else (),
        zone,
    )
