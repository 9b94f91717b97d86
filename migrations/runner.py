"""Brings both stores to the version of this code, once, whoever else tries at the same time."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from graph.client import Graph
from graph.client import connect as connect_graph
from migrations.catalog import Migration, MigrationError, catalog
from migrations.history import Applied, History
from oneid.background import background
from oneid.clock import SystemClock, monotonic
from oneid.errors import Retriable
from oneid.settings import Settings
from search.client import Search
from search.client import connect as connect_search
from search.indexes import IndexNames


@dataclass(frozen=True, slots=True)
class Status:
    """One migration as `status` shows it: `state` is applied, pending, or partial with the steps done."""

    id: str
    name: str
    state: str
    applied_at: str | None


class Runner:
    """Applies what the history does not have. `wait` seconds for another runner, then MigrationError."""

    def __init__(
        self,
        graph: Graph,
        search: Search,
        names: IndexNames,
        history: History,
        migrations: Sequence[Migration],
        *,
        wait: float = 120.0,
    ) -> None:
        self._graph = graph
        self._search = search
        self._names = names
        self._history = history
        self._migrations = migrations
        self._wait = wait

    async def up(self) -> list[str]:
        """Applies what is missing and returns its ids; raises MigrationError when an applied file has changed,
        or when the indexes are not what this code needs in the end."""
        await self._history.prepare()
        async with self._locked():
            history = await self._history.read()
            self._verify(history)
            applied = [m.id for m in self._migrations if await self._apply(m, history.get(m.id))]
            faults = [fault for m in self._migrations for fault in await self._faults(m)]
            if faults:
                raise MigrationError("; ".join(dict.fromkeys(faults)))
            return applied

    async def status(self) -> list[Status]:
        """Every migration with its state; changes nothing."""
        history = await self._history.read()
        return [_status(migration, history.get(migration.id)) for migration in self._migrations]

    async def check(self) -> list[str]:
        """What stands between the stores and this code, a sentence each; empty when nothing does."""
        history = await self._history.read()
        faults = [_changed(m) for m in self._migrations if _differs(m, history.get(m.id))]
        faults += [f"{_title(m)} is not applied" for m in self._migrations if not _done(history.get(m.id))]
        for migration in self._migrations:
            if _done(history.get(migration.id)):
                faults += await self._faults(migration)
        return list(dict.fromkeys(faults))

    def _verify(self, history: dict[str, Applied]) -> None:
        """The whole history is verified before anything is changed."""
        for migration in self._migrations:
            if _differs(migration, history.get(migration.id)):
                raise MigrationError(_changed(migration))
        unknown = sorted(set(history) - {migration.id for migration in self._migrations})
        if unknown:
            raise MigrationError(
                f"the stores are newer than this code: it does not know {', '.join(unknown)}"
            )

    async def _apply(self, migration: Migration, applied: Applied | None) -> bool:
        if migration.upgrade:
            return await self._apply_indexes(migration, applied)
        if _done(applied):
            return False
        for step in range(applied.step if applied else 0, len(migration.statements)):
            # The text is this package's own file, never input, which is what LiteralString is there to ensure.
            statement = migration.statements[step]
            await self._graph.write(migration.id, statement)  # pyright: ignore[reportArgumentType]
            await self._history.record(migration, step + 1, done=step + 1 == len(migration.statements))
        return True

    async def _apply_indexes(self, migration: Migration, applied: Applied | None) -> bool:
        """An index can vanish while the history stays (another cluster, a wiped data directory), so what
        is applied is looked at, too."""
        assert migration.upgrade is not None
        if _done(applied) and not await self._faults(migration):
            return False
        # Whether that was enough shows in the end: what is missing still may be a later migration's to add.
        await migration.upgrade(self._search, self._names)
        await self._history.record(migration, 1, done=True)
        return not _done(applied) or not await self._faults(migration)

    async def _faults(self, migration: Migration) -> list[str]:
        return await migration.check(self._search, self._names) if migration.check else []

    @asynccontextmanager
    async def _locked(self) -> AsyncGenerator[None]:
        holder = uuid.uuid4().hex
        await self._lock(holder)
        try:
            async with background(self._renew(holder)):
                yield
        finally:
            await self._history.release(holder)

    async def _lock(self, holder: str) -> None:
        deadline = monotonic() + self._wait
        while not await self._history.acquire(holder):
            if monotonic() > deadline:
                raise MigrationError(f"another migration has been running for {self._wait:.0f} seconds")
            await asyncio.sleep(0.1)

    async def _renew(self, holder: str) -> None:
        while True:
            await asyncio.sleep(self._history.lease / 3)
            with suppress(Retriable):
                await self._history.acquire(holder)


@asynccontextmanager
async def connected(settings: Settings) -> AsyncGenerator[Runner]:
    """A runner on the servers of the settings; raises MigrationError where no server is named."""
    if not settings.neo4j_url or not settings.opensearch_url:
        raise MigrationError("ONEID_NEO4J_URL and ONEID_OPENSEARCH_URL say where the stores are")
    secret = settings.neo4j_password
    password = secret.get_secret_value() if secret else None
    names = IndexNames(settings.index_prefix, event_shards=settings.event_shards)
    async with (
        connect_graph(settings.neo4j_url, settings.neo4j_user, password) as graph,
        connect_search(settings.opensearch_url) as search,
    ):
        yield Runner(graph, search, names, History(graph, SystemClock()), catalog())


def _done(applied: Applied | None) -> bool:
    return applied is not None and applied.applied_at is not None


def _differs(migration: Migration, applied: Applied | None) -> bool:
    return applied is not None and applied.checksum != migration.checksum


def _title(migration: Migration) -> str:
    return f"migration {migration.id} ({migration.name})"


def _changed(migration: Migration) -> str:
    return (
        f"{_title(migration)} has been changed since it was applied: restore the file as it was "
        f"and put the change into a new migration"
    )


def _status(migration: Migration, applied: Applied | None) -> Status:
    if applied is None:
        return Status(migration.id, migration.name, "pending", None)
    if applied.applied_at is None:
        state = f"partial ({applied.step} of {len(migration.statements)})"
        return Status(migration.id, migration.name, state, None)
    state = "changed" if _differs(migration, applied) else "applied"
    return Status(migration.id, migration.name, state, applied.applied_at)
