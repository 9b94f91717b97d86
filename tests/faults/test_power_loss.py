"""F4: what a kill never tests, since the page cache outlives the process: the log has only what was synced."""

import asyncio
import os
import re
import shutil
import signal
from pathlib import Path
from typing import Final

import pytest
from redis.asyncio import Redis

from oneid.embedded.ports import free_port
from oneid.embedded.valkey import valkey
from oneid.log.events import EventLog, stream_key
from tests.faults.log_servers import log_server

WRITERS: Final = 8
SECONDS: Final = 3.0


@pytest.fixture
def strace() -> str:
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not installed: it tells what was synced (package `strace`)")
    return found


def synced_bytes(trace: str, name: str) -> int:
    """How long the file was when it was synced last, from a trace of open, write and fdatasync."""
    descriptor = written = synced = None
    for line in trace.splitlines():
        if opened := re.search(rf'open(?:at)?\(.*{re.escape(name)}".*O_APPEND.*= (\d+)', line):
            descriptor, written = opened.group(1), 0
        elif descriptor and (done := re.search(rf"\bwrite\({descriptor}, .*= (\d+)$", line)):
            written = (written or 0) + int(done.group(1))
        elif descriptor and re.search(rf"\b(?:fdatasync|fsync)\({descriptor}\).*= 0$", line):
            synced = written
    assert synced is not None, "nothing was synced"
    return synced


async def test_what_was_acknowledged_was_on_the_disk(strace: str, tmp_path: Path) -> None:
    program, trace = valkey(tmp_path, free_port()), tmp_path / "trace"
    calls = ("-f", "-e", "trace=openat,open,write,fdatasync,fsync", "-s", "0", "-o", str(trace))
    redis = Redis.from_url(program.url or "")
    async with log_server((strace, *calls, *program.command), redis):
        acknowledged = await load(redis)
        await asyncio.to_thread(os.kill, (await redis.info("server"))["process_id"], signal.SIGKILL)
    tear(tmp_path, trace)
    async with log_server(program.command, redis):
        stored = {entry.decode() for entry, _ in await redis.xrange(stream_key(0))}
    await redis.aclose()
    assert acknowledged <= stored


def tear(directory: Path, trace: Path) -> None:
    """The log as the disk has it when the power fails: up to what was synced last."""
    (log,) = directory.rglob("*.incr.aof")
    length = synced_bytes(trace.read_text(), log.name)
    assert length <= log.stat().st_size
    os.truncate(log, length)


async def load(redis: Redis) -> set[str]:
    """The entries that were acknowledged until the power failed, under load from several callers."""
    log, acknowledged = EventLog(redis), set[str]()

    async def write(number: int) -> None:
        while True:
            acknowledged.update(await log.append([(0, b"%d" % number)]))

    writers = [asyncio.create_task(write(number)) for number in range(WRITERS)]
    await asyncio.sleep(SECONDS)
    for writer in writers:
        writer.cancel()
    await asyncio.gather(*writers, return_exceptions=True)
    assert len(acknowledged) > 50
    return acknowledged
