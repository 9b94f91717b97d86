"""The runner on a real Neo4j and a real OpenSearch: once, resumed, at the same time, and refused."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from graph.client import Graph
from migrations.catalog import Migration, MigrationError, catalog
from migrations.history import History
from migrations.runner import Runner
from oneid.clock import SystemClock
from search.client import Search, connect
from search.indexes import IndexNames
from tests.servers import Servers

MARKS = "MATCH (m:MigratedBy) RETURN m.step AS step ORDER BY step"
STATEMENTS = tuple(
    f"MERGE (m:MigratedBy {{step: {step}}}) SET m.times = coalesce(m.times, 0) + 1" for step in range(3)
)
FIRST = Migration("neo4j", 1, "marks", "a" * 64, statements=STATEMENTS)
SECOND = Migration("neo4j", 2, "more", "b" * 64, statements=("MERGE (:MigratedBy {step: 9})",))


class Killed(Exception):
    """The process is gone."""


class Dying(History):
    """Dies where a step is about to be noted: `before` or after the note reached the store."""

    def __init__(self, graph: Graph, step: int, *, before: bool) -> None:
        super().__init__(graph, SystemClock())
        self._step = step
        self._before = before

    async def record(self, migration: Migration, step: int, *, done: bool) -> None:
        if self._before and step == self._step:
            raise Killed
        await super().record(migration, step, done=done)
        if step == self._step:
            raise Killed

    async def release(self, holder: str) -> None:
        """A killed process releases nothing."""


@pytest.fixture
async def search(servers: Servers) -> AsyncIterator[Search]:
    async with connect(servers.opensearch) as connected:
        yield connected


@pytest.fixture
async def empty(graph: Graph, search: Search) -> AsyncIterator[None]:
    """A deployment that was never migrated; the one that other tests use is put back."""
    kept = await graph.read("test.keep", "MATCH (m:Migration) RETURN properties(m) AS m")
    await _wipe(graph, search)
    yield
    await _wipe(graph, search)
    await graph.write("test.restore", "UNWIND $kept AS row CREATE (m:Migration) SET m = row.m", kept=kept)


async def _wipe(graph: Graph, search: Search) -> None:
    await graph.write(
        "test.wipe", "MATCH (m) WHERE m:Migration OR m:MigrationLock OR m:MigratedBy DETACH DELETE m"
    )
    for index in IndexNames("migrated").all:
        await search.request("DELETE", f"/{index.physical}", ignore=(404,))


def runner(
    graph: Graph,
    search: Search,
    migrations: Sequence[Migration] = (FIRST, SECOND),
    *,
    history: History | None = None,
    wait: float = 10.0,
) -> Runner:
    kept = history or History(graph, SystemClock(), lease=0.5)
    return Runner(graph, search, IndexNames("migrated"), kept, migrations, wait=wait)


async def marks(graph: Graph) -> list[int]:
    return [row["step"] for row in await graph.read("test.marks", MARKS)]


@pytest.mark.usefixtures("empty")
async def test_everything_is_applied_once_and_in_order(graph: Graph, search: Search) -> None:
    first = await runner(graph, search).up()
    second = await runner(graph, search).up()

    assert (first, second) == (["neo4j/0001", "neo4j/0002"], [])
    assert await marks(graph) == [0, 1, 2, 9]
    assert [status.state for status in await runner(graph, search).status()] == ["applied", "applied"]


@pytest.mark.usefixtures("empty")
async def test_only_what_is_new_is_applied(graph: Graph, search: Search) -> None:
    await runner(graph, search, [FIRST]).up()

    assert [status.state for status in await runner(graph, search).status()] == ["applied", "pending"]
    assert await runner(graph, search).up() == ["neo4j/0002"]


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("before", [True, False])
async def test_a_run_killed_at_any_statement_is_taken_up_where_it_stopped(
    graph: Graph, search: Search, step: int, before: bool
) -> None:
    with pytest.raises(Killed):
        await runner(graph, search, [FIRST], history=Dying(graph, step, before=before)).up()
    await graph.write("test.expire", "MATCH (l:MigrationLock) SET l.until = 0")
    await runner(graph, search, [FIRST]).up()

    rows = await graph.read("test.times", "MATCH (m:MigratedBy) RETURN m.step AS step, m.times AS times")
    times = {row["step"]: row["times"] for row in rows}
    again = {step - 1} if before else set[int]()
    assert times == {index: 2 if index in again else 1 for index in range(3)}
    assert [status.state for status in await runner(graph, search, [FIRST]).status()] == ["applied"]


@pytest.mark.usefixtures("empty")
async def test_a_killed_runner_holds_up_the_next_for_no_longer_than_its_lease(
    graph: Graph, search: Search
) -> None:
    dying = Dying(graph, 1, before=True)
    dying.lease = 1.0
    with pytest.raises(Killed):
        await runner(graph, search, [FIRST], history=dying).up()

    with pytest.raises(MigrationError, match="another migration has been running"):
        await runner(graph, search, [FIRST], wait=0.1).up()
    assert await asyncio.wait_for(runner(graph, search, [FIRST]).up(), 10) == ["neo4j/0001"]


@pytest.mark.usefixtures("empty")
async def test_of_several_runners_at_once_one_works_and_the_others_find_nothing_to_do(
    graph: Graph, search: Search
) -> None:
    for name in ("migration_id", "migration_lock_id"):
        await graph.write("test.drop", f"DROP CONSTRAINT {name} IF EXISTS")  # pyright: ignore[reportArgumentType]

    results = await asyncio.gather(*(runner(graph, search, catalog()).up() for _ in range(5)))

    assert sorted(results, key=len) == [[], [], [], [], [migration.id for migration in catalog()]]
    assert await runner(graph, search, catalog()).check() == []


@pytest.mark.usefixtures("empty")
async def test_a_file_changed_after_it_was_applied_stops_everything(graph: Graph, search: Search) -> None:
    await runner(graph, search, [FIRST]).up()
    changed = replace(FIRST, checksum="c" * 64)

    with pytest.raises(MigrationError, match=r"neo4j/0001 \(marks\) has been changed since it was applied"):
        await runner(graph, search, [changed, SECOND]).up()

    assert await marks(graph) == [0, 1, 2]
    assert [status.state for status in await runner(graph, search, [changed, SECOND]).status()] == [
        "changed",
        "pending",
    ]


@pytest.mark.usefixtures("empty")
async def test_code_older_than_the_stores_changes_nothing(graph: Graph, search: Search) -> None:
    await runner(graph, search).up()

    with pytest.raises(MigrationError, match="newer than this code: it does not know neo4j/0002"):
        await runner(graph, search, [FIRST]).up()


@pytest.mark.usefixtures("empty")
async def test_an_index_that_has_vanished_is_made_again(graph: Graph, search: Search) -> None:
    await runner(graph, search, catalog()).up()
    events = IndexNames("migrated").all[1]
    await search.request("DELETE", f"/{events.physical}")

    assert await runner(graph, search, catalog()).check() == [
        "there is no index behind the alias migrated-events"
    ]
    assert await runner(graph, search, catalog()).up() == ["opensearch/0001"]
    assert await runner(graph, search, catalog()).check() == []


@pytest.mark.usefixtures("empty")
async def test_what_came_later_is_added_to_an_index_from_before(graph: Graph, search: Search) -> None:
    """An index that is there stays; what newer code needs besides is a later migration's to add."""
    await runner(graph, search, catalog()).up()
    profiles = IndexNames("migrated").all[0]
    mappings = profiles.definition["mappings"]
    fields = {
        name: field for name, field in mappings["properties"].items() if name not in ("typed", "parties")
    }
    await search.request("DELETE", f"/{profiles.physical}")
    body = {"mappings": {**mappings, "properties": fields}, "aliases": {profiles.alias: {}}}
    await search.request("PUT", f"/{profiles.physical}", body)
    await graph.write("test.forget", "MATCH (m:Migration {id: 'opensearch/0003'}) DELETE m")

    assert (
        "refreshes of migrated-profiles-v0001 wait for merges"
        in await runner(graph, search, catalog()).check()
    )
    assert await runner(graph, search, catalog()).up() == ["opensearch/0003", "opensearch/0008"]
    assert await runner(graph, search, catalog()).check() == []


@pytest.mark.usefixtures("empty")
async def test_an_index_with_another_mapping_is_not_written_to(graph: Graph, search: Search) -> None:
    await runner(graph, search, catalog()).up()
    events = IndexNames("migrated").all[1]
    await search.request("DELETE", f"/{events.physical}")
    body = {"mappings": {"dynamic": "strict"}, "aliases": {events.alias: {}}}
    await search.request("PUT", f"/{events.physical}", body)

    with pytest.raises(MigrationError, match="migrated-events-v0001 is mapped otherwise"):
        await runner(graph, search, catalog()).up()


@pytest.mark.usefixtures("empty")
async def test_the_command_run_by_several_processes_at_once_migrates_once(servers: Servers) -> None:
    environment = {**os.environ, **servers.environment(), "ONEID_INDEX_PREFIX": "migrated"}

    async def command(name: str) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "migrations", name, env=environment, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await process.communicate()
        return process.returncode, said.decode()

    results = await asyncio.gather(*(command("up") for _ in range(3)))

    applied = "".join(f"applied {migration.id}\n" for migration in catalog())
    assert sorted(results) == sorted([(0, applied), (0, "nothing to do\n"), (0, "nothing to do\n")])
    assert await command("check") == (0, "both stores are as this code needs them\n")
    assert (await command("down"))[0] == 2
