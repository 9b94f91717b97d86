"""Files that were written before somebody was erased show that person no longer, whoever they were about."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from graph.operation_files import OperationFiles
from graph.operations import OperationStore
from oneid.bootstrap import Stores, upkeep
from oneid.domain.operations import Operation, OperationStatus
from oneid.errors import NotFound
from oneid.services import exporting, segment_export
from oneid.services.operation_run import Pace, Run
from oneid.services.operation_runner import OperationRunner
from tests.erasing import NOTHING, Erasing, traces
from tests.operations import service
from tests.pipeline import Pipeline, event

PHONE, CARD = "13800138000", "card-canary"
CHUNKS = "MATCH (c:OperationChunk) RETURN count(c) AS count"


def everybody(pii: bool = True) -> dict[str, Any]:
    """The input of an export of all customers with a phone or a user id."""
    rule = {"any": [{"identifier": {"type": "phone"}}, {"identifier": {"type": "user_id"}}]}
    told = {"name": "all", "rule": rule, "format": "NDJSON", "attributes": None, "pii": pii}
    return {**told, "identifiers": ["phone", "user_id"] if pii else None}


async def ended(stores: Stores, operation: Operation) -> Operation:
    found = await service(stores).get(operation.id)
    assert found is not None
    return found


async def text(stores: Stores, operation: Operation) -> str:
    parts = [part async for part in service(stores).read(await ended(stores, operation))]
    return b"".join(parts).decode()


async def run(stores: Stores) -> None:
    work = upkeep(stores)
    while await work.projection.run_once() or await work.operations.run_once():
        await stores.profiles.refresh()


async def test_exports_of_segments_and_of_others_go_and_what_is_exported_later_stays(
    pipeline: Pipeline, stores: Stores, erasure: Erasing
) -> None:
    anna, bo = await pipeline.ingest(
        event(user_id="anna-canary", phone=PHONE), event(user_id="bo", phone=PHONE)
    )
    await run(stores)
    start = service(stores).start
    members = await start(segment_export.KIND, everybody())
    plain = await start(segment_export.KIND, everybody(pii=False))
    copy = await start(exporting.KIND, {"oneId": bo})
    await run(stores)
    assert "anna-canary" in await text(stores, members)
    assert (anna or "") in await text(stores, plain)
    assert PHONE in await text(stores, copy)

    receipt = await erasure.erase(anna)

    for operation in (members, plain, copy):
        found = await ended(stores, operation)
        assert (found.status, found.file, found.result_url) == (OperationStatus.COMPLETED, None, None)
        with pytest.raises(NotFound):
            await text(stores, operation)
    assert (await stores.graph.read("test", CHUNKS))[0]["count"] == 0
    later = await start(segment_export.KIND, everybody())
    await run(stores)
    await erasure.finish(receipt)
    assert (await text(stores, later)).count("\n") == 1
    assert '"bo"' in await text(stores, later)
    assert await traces(stores, "anna-canary", PHONE, anna or "") == NOTHING


async def test_an_export_under_way_begins_anew_and_its_first_run_leaves_nothing(
    pipeline: Pipeline, stores: Stores, erasure: Erasing
) -> None:
    (anna,) = await pipeline.ingest(event(user_id="anna-canary"))
    reached, go_on = asyncio.Event(), asyncio.Event()
    shown = ["anna-canary", "nobody"]

    async def handle(run: Run) -> dict[str, Any]:
        async def content() -> AsyncIterator[bytes]:
            yield shown[0].encode() * 100_000  # several pieces
            reached.set()
            await go_on.wait()
            yield shown.pop(0).encode()
            await run.progress(1)

        await run.keep("all.csv", "text/csv", content())
        return {}

    store, files = OperationStore(stores.graph), OperationFiles(stores.graph)
    handlers = {segment_export.KIND: handle}
    runner = OperationRunner(store, files, handlers, stores.clock, pace=Pace(lease=15.0, progress=0.0))
    started = await service(stores).start(segment_export.KIND, everybody())
    running = asyncio.create_task(runner.run_once())
    await reached.wait()
    assert (await stores.graph.read("test", CHUNKS))[0]["count"] > 0

    receipt = await erasure.erase(anna)

    assert (await ended(stores, started)).status is OperationStatus.QUEUED
    assert await traces(stores, "anna-canary") == NOTHING
    go_on.set()
    await running
    assert (await ended(stores, started)).status is OperationStatus.QUEUED
    assert await runner.run_once() == 1
    assert await text(stores, started) == "nobody" * 100_001
    await erasure.finish(receipt)
    assert await traces(stores, "anna-canary") == NOTHING
    assert await text(stores, started) == "nobody" * 100_001
