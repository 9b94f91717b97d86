"""A random schedule of faults: what is hurt, how, when and for how long follows from a seed alone."""

import asyncio
import os
import random
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import OpenSearchException
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.stack import Stack

PARTS: Final = ("api", "consumer", "worker", "redis", "neo4j", "opensearch")
HARMS: Final = (
    *(f"{harm} {part}" for part in PARTS for harm in ("kill", "stop")),
    "drop redis",
    "block opensearch",
)


@dataclass(frozen=True, slots=True)
class Fault:
    """`harm` begins `after` seconds after the one before and lasts for `seconds`, where it lasts: several may
    overlap. kill: SIGKILL; stop: SIGSTOP, then SIGCONT; drop: every connection is cut; block: no index is written."""

    harm: str
    after: float
    seconds: float


def schedule(seed: int, count: int) -> list[Fault]:
    """Faults of every kind in random order, before any comes again."""
    rng = random.Random(seed)
    harms = list[str]()
    while len(harms) < count:
        harms += rng.sample(HARMS, len(HARMS))
    return [Fault(harm, rng.uniform(1, 6), rng.uniform(1, 12)) for harm in harms[:count]]


async def befall(stack: Stack, faults: Sequence[Fault]) -> None:
    """Returns when all have happened and none lasts."""
    async with asyncio.TaskGroup() as lasting:
        for fault in faults:
            await asyncio.sleep(fault.after)
            lasting.create_task(happen(stack, fault))


async def happen(stack: Stack, fault: Fault) -> None:
    harm, part = fault.harm.split()
    if harm == "drop":
        await drop(stack)
    elif harm == "block":
        await block(stack, fault.seconds)
    else:
        await hurt(stack, part, harm, fault.seconds)


async def hurt(stack: Stack, part: str, harm: str, seconds: float) -> None:
    """A part that is not there just then is spared."""
    process = stack.state.processes.get(part)
    if process is None:
        return
    with suppress(ProcessLookupError):
        if harm == "kill":
            os.kill(process.pid, signal.SIGKILL)
            return
        os.kill(process.pid, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        os.kill(process.pid, signal.SIGCONT)


async def drop(stack: Stack) -> None:
    async with Redis.from_url(stack.state.urls["redis"], socket_timeout=5) as redis:
        with suppress(RedisError):
            await redis.client_kill_filter(_type="normal")


async def block(stack: Stack, seconds: float) -> None:
    """As the flood stage of a full disk does; taken off whatever else happens."""
    url = stack.state.urls["opensearch"]
    async with AsyncOpenSearch(url, timeout=10, max_retries=0) as opensearch:
        with suppress(OpenSearchException):
            await set_block(opensearch, on=True)
        await asyncio.sleep(seconds)
        async with asyncio.timeout(200):
            while True:
                try:
                    return await set_block(opensearch, on=False)
                except OpenSearchException:
                    await asyncio.sleep(0.5)


async def set_block(opensearch: AsyncOpenSearch, *, on: bool) -> None:
    body = {"index.blocks.read_only_allow_delete": True if on else None}
    await opensearch.indices.put_settings(index="oneid-*", body=body)
