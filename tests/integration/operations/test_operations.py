"""Long-running operations: one run at a time, whoever dies; each ends as what it came to."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from graph.client import Graph
from graph.operation_files import OperationFiles
from oneid.domain.operations import Operation, OperationStatus, Progress
from oneid.errors import Conflict, InvalidInput, NotFound, Retriable
from oneid.services.operation_run import CHUNK_BYTES, MAX_ATTEMPTS, Cancelled, LeaseLost, Run
from oneid.services.operations import OperationService
from tests.integration.operations.conftest import MakeRunner

DUE_NOW = "MATCH (o:Operation) SET o.dueAt = 0"
CHUNKS = "MATCH (c:OperationChunk) RETURN count(c) AS count"


class Recorder:
    """A handler that counts to its input's number, remembers its runs, and can be held at a step."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.raised: list[BaseException] = []
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def __call__(self, run: Run) -> dict[str, Any]:
        self.runs.append(run)
        try:
            for n in range(1, run.input["to"] + 1):
                await run.progress(n, run.input["to"])
                self.reached.set()
                await self.go_on.wait()
        except BaseException as error:
            self.raised.append(error)
            raise
        return {"counted": run.input["to"]}


async def found(service: OperationService, operation: Operation) -> Operation:
    there = await service.get(operation.id)
    assert there is not None
    return there


async def test_an_operation_waits_runs_and_tells_what_came_of_it(
    service: OperationService, make_runner: MakeRunner
) -> None:
    counter = Recorder()
    queued = await service.start("count", {"to": 3}, scope="pii:read")
    assert await service.get(queued.id) == queued
    assert (queued.status, queued.scope) == (OperationStatus.QUEUED, "pii:read")

    runner = make_runner(counter)
    assert [await runner.run_once(), await runner.run_once()] == [1, 0]

    done = await found(service, queued)
    assert (done.status, done.progress) == (OperationStatus.COMPLETED, Progress(3, 3, 0))
    assert done.result == {"counted": 3}
    assert done.error is None
    assert None not in (done.started_at, done.finished_at)
    assert len(counter.runs) == 1


async def test_runners_at_once_run_each_operation_once(
    service: OperationService, make_runner: MakeRunner
) -> None:
    counter = Recorder()
    operations = [await service.start("count", {"to": 1}) for _ in range(8)]

    async def work() -> int:
        runner, done = make_runner(counter), 0
        while await runner.run_once():
            done += 1
        return done

    assert sum(await asyncio.gather(*(work() for _ in range(4)))) == 8
    assert sorted(run.operation.id for run in counter.runs) == sorted(o.id for o in operations)


async def test_a_kind_without_a_handler_here_is_left_to_others(
    service: OperationService, make_runner: MakeRunner
) -> None:
    other = await service.start("other", {})
    assert await make_runner(Recorder()).run_once() == 0
    assert (await found(service, other)).status is OperationStatus.QUEUED


async def test_two_of_a_kind_that_run_alone_are_refused_until_the_first_has_ended(
    service: OperationService, make_runner: MakeRunner, graph: Graph
) -> None:
    await service.start("count", {"to": 1}, alone=True)
    with pytest.raises(Conflict):
        await service.start("count", {"to": 2}, alone=True)
    rows = await graph.read("test", "MATCH (o:Operation) RETURN count(o) AS count")
    assert rows == [{"count": 1}]

    await make_runner(Recorder()).run_once()
    await service.start("count", {"to": 2}, alone=True)


async def test_many_that_start_at_once_where_one_may_run_get_one_operation(
    service: OperationService,
) -> None:
    outcomes = await asyncio.gather(
        *(service.start("count", {"to": 1}, alone=True) for _ in range(10)), return_exceptions=True
    )
    assert sum(isinstance(outcome, Operation) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 9


async def test_when_the_runner_is_dead_its_operation_is_begun_again(
    service: OperationService, make_runner: MakeRunner
) -> None:
    stuck, second = Recorder(), Recorder()
    stuck.go_on.clear()
    operation = await service.start("count", {"to": 5})
    first = asyncio.create_task(make_runner(stuck, lease=1.0).run_once())
    await stuck.reached.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first

    assert await make_runner(second).run_once() == 1
    ended = await found(service, operation)
    assert (ended.status, ended.result) == (OperationStatus.COMPLETED, {"counted": 5})


async def test_a_runner_whose_lease_went_to_another_writes_nothing_more(
    service: OperationService, make_runner: MakeRunner, graph: Graph
) -> None:
    sleeper, second = Recorder(), Recorder()
    sleeper.go_on.clear()
    operation = await service.start("count", {"to": 5})
    first = asyncio.create_task(make_runner(sleeper).run_once())
    await sleeper.reached.wait()
    await graph.write("test", DUE_NOW)

    assert await make_runner(second).run_once() == 1
    before = await found(service, operation)
    sleeper.go_on.set()
    assert await first == 1

    assert [type(error) for error in sleeper.raised] == [LeaseLost]
    assert await found(service, operation) == before
    assert before.attempts == 1


async def test_a_handler_that_computes_for_long_keeps_its_lease(
    service: OperationService, make_runner: MakeRunner
) -> None:
    busy, second = Recorder(), Recorder()
    busy.go_on.clear()
    await service.start("count", {"to": 2})
    first = asyncio.create_task(make_runner(busy, lease=0.6).run_once())
    await busy.reached.wait()
    await asyncio.sleep(1.5)

    assert await make_runner(second).run_once() == 0
    busy.go_on.set()
    assert await first == 1
    assert busy.raised == []


async def test_what_was_not_begun_is_cancelled_at_once(
    service: OperationService, make_runner: MakeRunner
) -> None:
    operation = await service.start("count", {"to": 1}, alone=True)
    cancelled = await service.cancel(operation.id)
    assert cancelled.status is OperationStatus.CANCELLED
    assert cancelled.finished_at is not None
    assert await make_runner(Recorder()).run_once() == 0
    assert await service.cancel(operation.id) == cancelled
    await service.start("count", {"to": 1}, alone=True)


async def test_what_runs_is_cancelled_at_its_next_step(
    service: OperationService, make_runner: MakeRunner
) -> None:
    counter = Recorder()
    counter.go_on.clear()
    operation = await service.start("count", {"to": 5})
    running = asyncio.create_task(make_runner(counter).run_once())
    await counter.reached.wait()

    assert (await service.cancel(operation.id)).status is OperationStatus.RUNNING
    counter.go_on.set()
    await running

    assert [type(error) for error in counter.raised] == [Cancelled]
    ended = await found(service, operation)
    assert (ended.status, ended.progress.done, ended.result) == (OperationStatus.CANCELLED, 2, None)


async def test_what_is_cancelled_while_its_runner_is_dead_is_tidied_up_by_the_next(
    service: OperationService, make_runner: MakeRunner, graph: Graph
) -> None:
    operation = await service.start("count", {"to": 5})
    await graph.write("test", "MATCH (o:Operation) SET o.status = 'RUNNING', o.startedAt = o.createdAt")
    await service.cancel(operation.id)
    counter = Recorder()

    await make_runner(counter).run_once()

    assert [type(error) for error in counter.raised] == [Cancelled]
    assert (await found(service, operation)).status is OperationStatus.CANCELLED


async def test_nobody_cancels_what_has_ended_or_what_there_is_not(
    service: OperationService, make_runner: MakeRunner
) -> None:
    operation = await service.start("count", {"to": 1})
    await make_runner(Recorder()).run_once()
    before = await found(service, operation)
    with pytest.raises(Conflict):
        await service.cancel(operation.id)
    with pytest.raises(NotFound):
        await service.cancel("nothing")
    assert await found(service, operation) == before


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (InvalidInput("the file has no header"), "the file has no header"),
        (ValueError("secret inside"), "Something went wrong on our side."),
    ],
)
async def test_a_failure_is_told_without_what_is_nobodys_business(
    service: OperationService, make_runner: MakeRunner, raised: Exception, told: str
) -> None:
    async def fail(run: Run) -> dict[str, Any]:
        raise raised

    operation = await service.start("count", {"to": 1})
    await make_runner(fail).run_once()
    ended = await found(service, operation)
    assert (ended.status, ended.error) == (OperationStatus.FAILED, told)


async def test_what_may_pass_is_tried_again_later_and_not_for_ever(
    service: OperationService, make_runner: MakeRunner, graph: Graph
) -> None:
    async def fail(run: Run) -> dict[str, Any]:
        await run.progress(1)
        raise Retriable("the index is away")

    operation, runner = await service.start("count", {}), make_runner(fail)
    assert [await runner.run_once(), await runner.run_once()] == [1, 0]
    assert (await found(service, operation)).status is OperationStatus.RUNNING
    for _ in range(MAX_ATTEMPTS - 1):
        await graph.write("test", DUE_NOW)
        assert await runner.run_once() == 1

    ended = await found(service, operation)
    assert (ended.status, ended.error) == (OperationStatus.FAILED, "the index is away")
    assert ended.attempts == MAX_ATTEMPTS


async def test_attempts_count_from_where_it_last_got_further(
    service: OperationService, make_runner: MakeRunner, graph: Graph
) -> None:
    further = 0

    async def fail(run: Run) -> dict[str, Any]:
        nonlocal further
        further += 1
        await run.progress(further)
        raise Retriable("the index is away")

    operation, runner = await service.start("count", {}), make_runner(fail)
    for _ in range(2 * MAX_ATTEMPTS):
        await graph.write("test", "MATCH (o:Operation) WHERE o.dueAt IS NOT NULL SET o.dueAt = 0")
        assert await runner.run_once() == 1
    assert (await found(service, operation)).status is OperationStatus.RUNNING


async def test_one_that_kills_its_runner_each_time_is_given_up(
    service: OperationService, make_runner: MakeRunner, graph: Graph
) -> None:
    operation = await service.start("count", {"to": 1})
    await graph.write("test", "MATCH (o:Operation) SET o.attempts = $n", n=MAX_ATTEMPTS)
    counter = Recorder()
    await make_runner(counter).run_once()
    assert counter.runs == []
    assert (await found(service, operation)).status is OperationStatus.FAILED


async def test_watching_shows_each_change_and_ends_with_the_operation(
    service: OperationService, make_runner: MakeRunner
) -> None:
    operation = await service.start("count", {"to": 1})
    seen: list[Operation] = []
    async for state in service.watch(operation.id):
        seen.append(state)
        if len(seen) == 1:
            await make_runner(Recorder()).run_once()
    assert [state.status for state in seen] == [OperationStatus.QUEUED, OperationStatus.COMPLETED]
    assert [state async for state in service.watch("nothing")] == []


async def parts(*sizes: int) -> AsyncIterator[bytes]:
    for n, size in enumerate(sizes):
        yield bytes([n % 256]) * size


async def test_a_file_comes_back_as_it_was_written_in_pieces_of_a_bounded_size(
    service: OperationService, make_runner: MakeRunner, graph: Graph
) -> None:
    sizes = (10, CHUNK_BYTES * 2, 1, 0, CHUNK_BYTES - 1)

    async def write(run: Run) -> dict[str, Any]:
        await run.keep("people.ndjson", "application/x-ndjson", parts(*sizes))
        return {}

    operation = await service.start("count", {})
    await make_runner(write).run_once()
    ended = await found(service, operation)
    assert ended.result_url == f"/operations/{operation.id}/result"
    pieces = [piece async for piece in service.read(ended)]
    assert b"".join(pieces) == b"".join([part async for part in parts(*sizes)])
    assert max(map(len, pieces)) == CHUNK_BYTES
    assert (await graph.read("test", CHUNKS))[0]["count"] == len(pieces) == 4


async def test_what_failed_runs_wrote_is_deleted(
    service: OperationService, make_runner: MakeRunner, files: OperationFiles, graph: Graph
) -> None:
    async def write(run: Run) -> dict[str, Any]:
        await run.keep("a.csv", "text/csv", parts(CHUNK_BYTES * 3 if run.attempts == 1 else 5))
        if run.attempts == 1:
            raise Retriable("once more")
        return {}

    operation, runner = await service.start("count", {}), make_runner(write)
    await runner.run_once()
    await graph.write("test", DUE_NOW)
    await runner.run_once()

    ended = await found(service, operation)
    assert [piece async for piece in service.read(ended)] == [bytes(5)]
    assert (await graph.read("test", CHUNKS))[0]["count"] == 1
    await files.delete(operation.id)
    assert (await graph.read("test", CHUNKS))[0]["count"] == 0


async def test_an_operation_without_a_file_has_nothing_to_read(service: OperationService) -> None:
    operation = await service.start("count", {})
    assert operation.result_url is None
    with pytest.raises(NotFound):
        service.read(operation)
