"""Valkeys of a test's own, which it may kill."""

import asyncio
import subprocess
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError


@asynccontextmanager
async def log_server(command: Sequence[str], redis: Redis) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Runs one from when it answers `redis`, its client, to the end."""
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)
    try:
        async with asyncio.timeout(30):
            await answering(redis)
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def answering(redis: Redis) -> None:
    while True:
        try:
            await redis.ping()
        except RedisError:
            await asyncio.sleep(0.1)
        else:
            return
