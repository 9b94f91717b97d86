"""`arq workers.settings.WorkerSettings`: the worker that keeps the index equal to the graph.

Its work is found in the graph and not in the queue: whatever happens to Redis, nothing but time is lost.
"""

import logging
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import orjson
from arq.connections import RedisSettings
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError
from redis.exceptions import TimeoutError as RedisTimeoutError

from oneid import logs
from oneid.background import background
from oneid.bootstrap import (
    BULK_PATIENCE,
    Stores,
    Upkeep,
    building,
    erasure_cleanup,
    marking,
    measuring,
    open_stores,
    operation_expiry,
    required,
    retention,
    segment_deletion,
    upkeep,
)
from oneid.health import Health, serve
from oneid.memory import spare_the_collector
from oneid.settings import InvalidSettings, Settings
from workers.connections import make_patient
from workers.loops import Loop, Loops

Context = dict[str, Any]


def __getattr__(name: str) -> dict[str, Any]:
    """Settings are read when arq asks for them, not when somebody imports this module."""
    if name != "WorkerSettings":
        raise AttributeError(name)
    try:
        return worker_settings(Settings())
    except InvalidSettings as error:
        sys.exit(str(error))


def worker_settings(settings: Settings) -> dict[str, Any]:
    """What arq's worker is started with."""
    return {
        "functions": [reconcile],
        "on_startup": startup(settings),
        "on_shutdown": shutdown,
        "redis_settings": redis_settings(required(settings.redis_url, "ONEID_REDIS_URL")),
        "job_serializer": orjson.dumps,
        "job_deserializer": orjson.loads,
        "keep_result": 0,
        "max_tries": 1000,  # a deployment that stops a job counts as a try
        "health_check_interval": 10,
    }


def startup(settings: Settings) -> Callable[[Context], Awaitable[None]]:
    async def start(ctx: Context) -> None:
        """Connects the stores and starts the loops."""
        logs.configure()
        logging.getLogger("arq").handlers.clear()
        await make_patient(ctx["redis"].connection_pool)
        ctx["stack"] = stack = AsyncExitStack()
        stores = await stack.enter_async_context(open_stores(settings, patience=BULK_PATIENCE))
        ctx["upkeep"] = work = upkeep(stores)
        health = Health()
        await stack.enter_async_context(background(health.turn()))
        ctx["loops"] = running = Loops(loops(work, stores, settings), health=health)
        running.start()
        serve(settings, health)
        spare_the_collector()

    return start


async def shutdown(ctx: Context) -> None:
    """Lets the loops finish their step, then closes the stores."""
    await ctx["loops"].close()
    await ctx["stack"].aclose()


async def reconcile(ctx: Context) -> int:
    """Job: compares everything at once instead of range by range; returns what was wrong."""
    work: Upkeep = ctx["upkeep"]
    report = await work.reconciliation.sweep()
    return report.drift


def loops(work: Upkeep, stores: Stores, settings: Settings) -> tuple[Loop, ...]:
    """Projection and re-homing look for work all the time; reconciliation takes one range every few
    seconds, so that it takes little from what is new, and rests when it has seen all of them."""
    cleanup = erasure_cleanup(stores, settings.phone_region)
    return (
        Loop("projection", work.projection.follow, idle=0.1),
        Loop("waking", work.judging.wake, idle=0.5),
        Loop("recomputing", work.evaluation.wake, idle=0.5),
        # Each round refreshes the event index, which must not be done without pause.
        Loop("evaluation", work.evaluation.run_once, idle=0.1, busy=0.25),
        Loop("rehoming", work.rehoming.run_once, idle=0.25, busy=0.25),
        Loop("reconciliation", work.reconciliation.run_once, idle=10.0, busy=5.0),
        Loop("measuring", measuring(stores).run_once, idle=10.0),
        Loop("erasure", cleanup.run_once, idle=1.0, busy=1.0, patience=None),
        Loop("building", building(stores).run_once, idle=1.0, busy=1.0, patience=None),
        Loop("forgetting", segment_deletion(stores).run_once, idle=1.0, busy=1.0, patience=None),
        Loop("retention", retention(stores).run_once, idle=5.0, busy=5.0),
        Loop("marking", marking(stores).run_once, idle=1.0, busy=1.0, patience=None),
        Loop("expiry", operation_expiry(stores).run_once, idle=60.0),
        # Several, so that a long one does not hold up the others.
        *(Loop(f"operations-{n}", work.operations.run_once, idle=0.5, patience=None) for n in range(1, 4)),
    )


def redis_settings(url: str) -> RedisSettings:
    """arq's connection, which waits for a Redis that is away instead of ending the worker."""
    settings = RedisSettings.from_dsn(url)
    # A refused connection is an OSError, which redis-py does not count among what is tried again.
    retry = Retry(ExponentialBackoff(cap=1.0, base=0.05), -1)
    retry.update_supported_errors([OSError])
    return replace(
        settings,
        username=unquote(settings.username) if settings.username else None,
        password=unquote(settings.password) if settings.password else None,
        conn_timeout=5,
        conn_retries=60,
        retry=retry,
        # Full: arq would end, and with it what needs no memory in Redis.
        retry_on_error=[RedisConnectionError, RedisTimeoutError, OutOfMemoryError, OSError],
    )
