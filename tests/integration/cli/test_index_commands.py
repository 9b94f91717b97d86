"""`oneid reindex` and `oneid reconcile`: as people use them."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import pytest

from graph.operation_files import OperationFiles
from graph.operations import OperationStore
from oneid import bootstrap
from oneid.bootstrap import Stores, upkeep
from oneid.clock import SystemClock
from oneid.services.operations import OperationService
from oneid.services.reindexing import KIND
from tests.pipeline import event, open_pipeline
from tests.servers import Servers

pytestmark = pytest.mark.usefixtures("clean")

CROWD = """
UNWIND range(1, 20000) AS n
CREATE (:Customer {oneId: 'crowd-' + right('0000' + n, 5), seq: n, version: 1, merges: 0,
  createdAt: '2026-01-05T08:00:00.000Z', updatedAt: '2026-01-05T08:00:00.000Z', attributes: '{}'})
"""
RUNNING = "MATCH (o:Reindexing) WHERE o.indexed > 0 RETURN o.id AS id, o.indexed AS indexed"


class Oneid:
    """Runs commands in a folder without settings."""

    def __init__(self, servers: Servers, folder: Path) -> None:
        self._environment = {**os.environ, **servers.environment(), "ONEID_MODE": "sandbox", "COLUMNS": "200"}
        self._folder = folder

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from oneid.cli import app; app()", *arguments),
            cwd=self._folder,
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def __call__(self, *arguments: str) -> tuple[int, str]:
        """Exit code and everything it said."""
        process = await self.start(*arguments)
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode()


@pytest.fixture
def oneid(servers: Servers, tmp_path: Path) -> Oneid:
    return Oneid(servers, tmp_path)


def operations(stores: Stores) -> OperationService:
    return OperationService(OperationStore(stores.graph), OperationFiles(stores.graph), SystemClock())


async def test_an_index_is_made_anew_without_a_worker(oneid: Oneid, stores: Stores) -> None:
    pipeline = await open_pipeline(stores)
    await pipeline.ingest(*(event(user_id=f"u{i}") for i in range(3)))
    code, said = await oneid("reindex")
    assert code == 0, said
    assert re.search(r"oneid-profiles-v\d+: 3 customers in [\d.]+ seconds", said)
    assert (await stores.profiles.search()).total == 3


async def test_a_second_one_is_refused(oneid: Oneid, stores: Stores) -> None:
    before = await stores.rebuild.current()
    await operations(stores).start(KIND, {}, alone=True)
    code, said = await oneid("reindex", "--profiles")
    assert code == 1
    assert "reindex is under way already" in said
    assert await stores.rebuild.current() == before


async def test_a_look_tells_and_a_repair_repairs(oneid: Oneid, stores: Stores) -> None:
    pipeline = await open_pipeline(stores)
    one_ids = await pipeline.ingest(*(event(user_id=f"u{i}") for i in range(3)))
    await upkeep(stores).projection.run_once()
    params = {"refresh": True}
    await stores.search.request("DELETE", f"/oneid-profiles/_doc/{one_ids[0]}", params=params)

    code, said = await oneid("reconcile")
    assert code == 1
    assert "1 profiles were stale or missing, 0 belonged to nobody" in said
    assert (await stores.profiles.search()).total == 2

    code, said = await oneid("reconcile", "--repair")
    assert code == 0
    assert "1 profiles were stale or missing" in said
    await stores.profiles.refresh()
    assert (await stores.profiles.search()).total == 3
    assert (await oneid("reconcile"))[0] == 0


async def begun(stores: Stores) -> str:
    """The reindexing that has copied something, and not all."""
    while True:
        if rows := await stores.graph.read("test", RUNNING):
            assert rows[0]["indexed"] < 20_000
            return str(rows[0]["id"])
        await asyncio.sleep(0.02)


async def test_what_was_killed_is_gone_on_with_by_a_worker(oneid: Oneid, stores: Stores) -> None:
    """kill -9 in the middle: searches see the old index, whole, and the next runner goes on from there."""
    await stores.graph.write("test", CROWD)
    before = await stores.rebuild.current()
    process = await oneid.start("reindex")
    reindexing = await begun(stores)
    process.send_signal(signal.SIGKILL)
    await process.communicate()
    assert await stores.rebuild.current() == before

    await stores.graph.write("test", "MATCH (o:Operation) SET o.dueAt = 0")
    worker = bootstrap.operation_runner(stores, {KIND: bootstrap.reindex(stores).run})
    assert await worker.run_once() == 1

    ended = await operations(stores).get(reindexing)
    assert ended is not None
    assert (ended.status, ended.progress.done) == ("COMPLETED", 20_000)
    assert await stores.rebuild.current() == (ended.result or {})["index"] != before
    assert (await stores.profiles.search()).total == 20_000
