"""Operations are kept for a while after they have ended, and then they and their files are gone."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from graph.client import Graph
from graph.operation_files import OperationFiles
from graph.operations import OperationStore
from oneid.clock import SystemClock
from oneid.domain.operations import Operation
from oneid.errors import InvalidInput, NotFound
from oneid.services.operation_expiry import KEPT, OperationExpiry
from oneid.services.operation_run import CHUNK_BYTES, Run
from oneid.services.operations import OperationService
from tests.integration.operations.conftest import MakeRunner

CHUNKS = "MATCH (c:OperationChunk) RETURN count(c) AS count"


async def written(run: Run) -> dict[str, int]:
    async def content() -> AsyncIterator[bytes]:
        yield b"a" * CHUNK_BYTES
        yield b"b"

    if run.input.get("fails"):
        raise InvalidInput("as asked")
    await run.keep("people.csv", "text/csv", content())
    return {"rows": 1}


@pytest.fixture
def later(store: OperationStore, files: OperationFiles) -> OperationExpiry:
    """What looks a moment before and after the end of the time that operations are kept."""
    return OperationExpiry(store, files, SystemClock(KEPT + timedelta(minutes=1)))


async def test_what_ended_long_ago_goes_with_its_file_and_nothing_else_does(
    service: OperationService,
    make_runner: MakeRunner,
    store: OperationStore,
    files: OperationFiles,
    later: OperationExpiry,
    graph: Graph,
) -> None:
    runner = make_runner(written)
    done, failed = await service.start("count", {}), await service.start("count", {"fails": True})
    cancelled = await service.start("count", {})
    await service.cancel(cancelled.id)
    assert [await runner.run_once(), await runner.run_once()] == [1, 1]
    waiting = await service.start("count", {})
    assert (await graph.read("test", CHUNKS))[0]["count"] == 2
    assert await OperationExpiry(store, files, SystemClock(KEPT - timedelta(minutes=1))).run_once() == 0

    assert [await later.run_once(limit=2), await later.run_once(), await later.run_once()] == [2, 1, 0]

    assert [await service.get(one.id) for one in (done, failed, cancelled)] == [None] * 3
    assert await service.get(waiting.id) == waiting
    assert (await graph.read("test", CHUNKS))[0]["count"] == 0


async def test_a_file_that_goes_while_it_is_read_is_no_shorter_file(
    service: OperationService, make_runner: MakeRunner, later: OperationExpiry
) -> None:
    started = await service.start("count", {})
    await make_runner(written).run_once()
    ended: Operation | None = await service.get(started.id)
    assert ended is not None
    pieces = service.read(ended)
    assert len(await anext(pieces)) == CHUNK_BYTES

    await later.run_once()

    with pytest.raises(NotFound, match="deleted"):
        await anext(pieces)
