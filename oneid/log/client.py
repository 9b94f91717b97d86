"""The Redis client and its one translation of faults."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    TimeoutError,
)

from oneid.errors import Retriable

TRANSIENT = (ConnectionError, TimeoutError, BusyLoadingError, OutOfMemoryError, ReadOnlyError, OSError)


@contextmanager
def transient_faults() -> Generator[None]:
    """Raises what passes by itself (connection lost, memory full, loading) as `Retriable`."""
    try:
        yield
    except TRANSIENT as error:
        raise Retriable("the event log can't take writes now") from error
    except RedisError as error:
        if str(error).startswith(("OOM", "MISCONF", "LOADING", "READONLY")):
            raise Retriable("the event log can't take writes now") from error
        raise


@asynccontextmanager
async def connect(url: str) -> AsyncGenerator[Redis]:
    """A client that answers bytes and never repeats a command by itself: a repeated XADD would double it."""
    redis = Redis.from_url(url, socket_connect_timeout=2, socket_timeout=8, retry=Retry(NoBackoff(), 0))
    try:
        yield redis
    finally:
        await redis.aclose()
