"""The history of both stores and the lock of the runner, both nodes in Neo4j.

The lock is a lease on Neo4j's own clock, renewed while the runner lives: a killed runner holds up the next one
for no longer than the lease. Every step is idempotent, so that even a runner that slept through its lease
does no harm.
"""

from dataclasses import dataclass
from typing import Final

from neo4j.exceptions import ClientError

from graph.client import Graph
from migrations.catalog import Migration
from oneid.clock import Clock
from oneid.domain.messages import format_time

CONSTRAINTS: Final = (
    "CREATE CONSTRAINT migration_id IF NOT EXISTS FOR (m:Migration) REQUIRE m.id IS UNIQUE",
    "CREATE CONSTRAINT migration_lock_id IF NOT EXISTS FOR (l:MigrationLock) REQUIRE l.id IS UNIQUE",
)
EQUAL_SCHEMA: Final = "Neo.ClientError.Schema.EquivalentSchemaRuleAlreadyExists"

# The first SET takes the node's lock, so that `until` is read after whoever held it has committed.
ACQUIRE: Final = """
MERGE (l:MigrationLock {id: 'migrations'})
SET l.askedBy = $holder
WITH l WHERE coalesce(l.until, 0) < timestamp() OR l.holder = $holder
SET l.holder = $holder, l.until = timestamp() + $lease
RETURN l.holder AS holder
"""
RELEASE: Final = "MATCH (l:MigrationLock {id: 'migrations', holder: $holder}) SET l.until = 0"
READ: Final = """
MATCH (m:Migration)
RETURN m.store AS store, m.version AS version, m.name AS name, m.checksum AS checksum,
       m.appliedAt AS applied_at, m.step AS step
ORDER BY store, version
"""
RECORD: Final = """
MERGE (m:Migration {id: $id})
SET m.store = $store, m.version = $version, m.name = $name, m.checksum = $checksum,
    m.step = $step, m.appliedAt = $applied_at
"""


@dataclass(frozen=True, slots=True)
class Applied:
    """What the history says of one migration. `step`: statements done; `applied_at` None: not all of them."""

    store: str
    version: int
    name: str
    checksum: str
    applied_at: str | None
    step: int

    @property
    def id(self) -> str:
        return f"{self.store}/{self.version:04}"


class History:
    """Reads and writes the history; holds the lock for `lease` seconds at a time."""

    def __init__(self, graph: Graph, clock: Clock, *, lease: float = 15.0) -> None:
        self._graph = graph
        self._clock = clock
        self.lease = lease

    async def prepare(self) -> None:
        """The constraints that history and lock need themselves."""
        for constraint in CONSTRAINTS:
            try:
                await self._graph.write("migrations.prepare", constraint)
            except ClientError as error:
                # IF NOT EXISTS does not cover two runners that create it in the same instant.
                if error.code != EQUAL_SCHEMA:
                    raise

    async def acquire(self, holder: str) -> bool:
        """Takes or renews the lock; False while another runner has it."""
        lease = int(self.lease * 1000)
        return bool(await self._graph.write("migrations.lock", ACQUIRE, holder=holder, lease=lease))

    async def release(self, holder: str) -> None:
        await self._graph.write("migrations.unlock", RELEASE, holder=holder)

    async def read(self) -> dict[str, Applied]:
        """The history by migration id."""
        rows = await self._graph.read("migrations.history", READ)
        return {applied.id: applied for applied in (Applied(**row) for row in rows)}

    async def record(self, migration: Migration, step: int, *, done: bool) -> None:
        """Notes how far a migration has come."""
        await self._graph.write(
            "migrations.record",
            RECORD,
            id=migration.id,
            store=migration.store,
            version=migration.version,
            name=migration.name,
            checksum=migration.checksum,
            step=step,
            applied_at=format_time(self._clock.now()) if done else None,
        )
