"""The worker as it is run in production: a process of its own, started by arq's command line."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from arq.connections import create_pool

from oneid.bootstrap import Stores
from tests.pipeline import Pipeline, event
from tests.servers import Servers
from workers.settings import redis_settings

COMMAND = (sys.executable, "-m", "arq", "workers.settings.WorkerSettings")


async def start(servers: Servers, *arguments: str) -> asyncio.subprocess.Process:
    environment = {**os.environ, **servers.environment(), "ONEID_MODE": "sandbox"}
    return await asyncio.create_subprocess_exec(
        *COMMAND, *arguments, env=environment, stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )


@asynccontextmanager
async def working(servers: Servers) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A running worker, killed at the end where it still runs."""
    process = await start(servers)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def until(holds: Callable[[], Awaitable[bool]], *, seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.1)


async def appears(stores: Stores, text: str, one_id: str | None) -> None:
    async def shown() -> bool:
        return (await stores.profiles.search(text)).nodes == [one_id]

    await until(shown)


async def test_a_worker_projects_moves_and_ends_when_it_is_told(
    pipeline: Pipeline, stores: Stores, servers: Servers
) -> None:
    async with working(servers) as process:
        survivor, loser = await pipeline.ingest(event(user_id="u1"), event(anonymous_id="a1"))
        await appears(stores, "a1", loser)
        await pipeline.ingest(event(user_id="u1", anonymous_id="a1"))
        await appears(stores, loser or "", survivor)

        async def moved() -> bool:
            return not await stores.events.homes([loser or ""])

        await until(moved)

        check = await start(servers, "--check")
        await check.communicate()
        assert check.returncode == 0

        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 0


async def test_a_killed_worker_is_followed_by_one_that_carries_on(
    pipeline: Pipeline, stores: Stores, servers: Servers
) -> None:
    one_ids = await pipeline.ingest(*(event(user_id=f"u{i}") for i in range(50)))
    async with working(servers) as first:
        await appears(stores, "u0", one_ids[0])
        first.kill()
    async with working(servers):
        await pipeline.ingest(event(user_id="u0", phone="13800138000"))
        await appears(stores, "+8613800138000", one_ids[0])
        await appears(stores, "u49", one_ids[49])


async def test_a_sweep_can_be_asked_for_as_a_job(
    pipeline: Pipeline, stores: Stores, servers: Servers
) -> None:
    (one_id,) = await pipeline.ingest(event(user_id="u1"))
    async with working(servers):
        await appears(stores, "u1", one_id)
        await stores.search.request("DELETE", f"/oneid-profiles/_doc/{one_id}", params={"refresh": True})
        pool = await create_pool(redis_settings(servers.redis))
        try:
            assert await pool.enqueue_job("reconcile") is not None
            await appears(stores, "u1", one_id)
        finally:
            await pool.aclose()
