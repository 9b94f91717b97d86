"""The Neo4j client: named queries, managed transactions, one retry policy.

Neo4j reports deadlocks, leader switches and lost connections as transient; work is then run again with exponential
backoff and jitter for `retry_seconds`. A unit of work must therefore be idempotent: it may have committed although
the answer was lost. Single reads go without a transaction of their own, which costs one round trip instead of three,
and are run again by the same rules.

A server that holds a connection open and says nothing is given up as its hint `connection.recv_timeout_seconds` says
(9 seconds as oneid sets servers up), or else when the transaction must have timed out.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, LiteralString, TypeVar

from neo4j import (
    READ_ACCESS,
    AsyncDriver,
    AsyncGraphDatabase,
    AsyncManagedTransaction,
    AsyncResult,
    Query,
    unit_of_work,
)
from neo4j.exceptions import (
    ConnectionAcquisitionTimeoutError,
    DriverError,
    IncompleteCommit,
    Neo4jError,
)
from tenacity import AsyncRetrying, retry_if_exception, stop_after_delay, wait_random_exponential

from oneid.errors import Retriable
from oneid.metrics import GRAPH_SECONDS

T = TypeVar("T")
Row = dict[str, Any]
Work = Callable[[AsyncManagedTransaction], Awaitable[T]]

MARGIN_SECONDS: Final = 5.0
"""How much later than the server the client gives a transaction up."""

OVERLOADING: Final = frozenset(
    {
        "Neo.ClientError.Transaction.TransactionTimedOut",
        "Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration",
        "Neo.TransientError.General.MemoryPoolOutOfMemoryError",
        "Neo.TransientError.General.TransactionOutOfMemoryError",
    }
)
TERMINATED: Final = frozenset(
    {"Neo.ClientError.Transaction.Terminated", "Neo.ClientError.Transaction.LockClientStopped"}
)
"""Somebody ended the transaction, or the server shuts down. The driver does not count this as passing."""
GONE: Final = "Neo.ClientError.Statement.EntityNotFound"
"""What Neo4j says of a node that was deleted while a statement waited for its lock."""


class Overloaded(Retriable):
    """A transaction took more time or memory than the server grants one: half as much may do."""


class Overtaken(Exception):
    """Another transaction deleted what this one waited for, or made what it was about to make: it begins again."""


class Graph:
    """Runs work in transactions; what stays transient after the retries is raised as `Retriable`."""

    def __init__(
        self,
        driver: AsyncDriver,
        *,
        database: str = "neo4j",
        timeout: float = 60.0,
        retry_seconds: float = 30.0,
    ) -> None:
        self._driver = driver
        self._database = database
        self._timeout = timeout
        self._retry_seconds = retry_seconds

    async def read(self, name: str, query: LiteralString, /, **parameters: Any) -> list[Row]:
        """Rows of one read query. `name` shows in metrics and in Neo4j's transaction metadata."""
        statement = Query(query, metadata={"query": name}, timeout=self._timeout)

        async def attempt() -> list[Row]:
            return await self._read(statement, parameters)

        return await self._persist(name, attempt)

    async def _persist(self, name: str, attempt: Callable[[], Awaitable[T]]) -> T:
        retrying = AsyncRetrying(
            stop=stop_after_delay(self._retry_seconds),
            wait=wait_random_exponential(multiplier=0.1, max=2),
            retry=retry_if_exception(to_be_repeated),
            reraise=True,
        )
        with GRAPH_SECONDS.labels(name).time(), unavailable_as_retriable():
            try:
                return await attempt()
            except Exception as error:
                if not to_be_repeated(error):
                    raise
            return await retrying(attempt)

    async def _read(self, statement: Query, parameters: dict[str, Any]) -> list[Row]:
        async with (
            asyncio.timeout(self._timeout + MARGIN_SECONDS),
            self._driver.session(database=self._database, default_access_mode=READ_ACCESS) as session,
        ):
            return await rows(await session.run(statement, parameters))

    async def write(self, name: str, query: LiteralString, /, **parameters: Any) -> list[Row]:
        """Rows of one write query in a transaction of its own."""

        async def work(tx: AsyncManagedTransaction) -> list[Row]:
            return await rows(await tx.run(query, parameters))

        return await self._managed(name, work)

    async def transact(self, name: str, work: Work[T]) -> T:
        """Several statements in one write transaction; `work` may run more than once."""
        return await self._managed(name, work)

    async def _managed(self, name: str, work: Work[T]) -> T:
        unit: Work[T] = unit_of_work(metadata={"query": name}, timeout=self._timeout)(work)

        async def attempt() -> T:
            return await self._write(unit)

        return await self._persist(name, attempt)

    async def _write(self, unit: Work[T]) -> T:
        async with (
            asyncio.timeout(self._timeout + MARGIN_SECONDS),
            self._driver.session(database=self._database) as session,
        ):
            return await session.execute_write(unit)


def passing(error: BaseException) -> bool:
    """Whether a failure passes by itself."""
    if isinstance(error, TimeoutError | ConnectionAcquisitionTimeoutError):
        return True
    terminated = isinstance(error, Neo4jError) and error.code in TERMINATED
    return terminated or answer_lost(error) or retryable(error)


def to_be_repeated(error: BaseException) -> bool:
    """Whether to try again at once: not after a long wait, nor what would take as much again."""
    if overloading(error):
        return False
    return retryable(error) or answer_lost(error) or overtaken(error)


def overtaken(error: BaseException) -> bool:
    return isinstance(error, Overtaken) or (isinstance(error, Neo4jError) and error.code == GONE)


def retryable(error: BaseException) -> bool:
    return isinstance(error, Neo4jError | DriverError) and error.is_retryable()


def overloading(error: BaseException) -> bool:
    """Whether a transaction was too much for the server."""
    return isinstance(error, Neo4jError) and error.code in OVERLOADING


def answer_lost(error: BaseException) -> bool:
    """Whether the connection broke during a commit. The driver leaves this case to the caller: the work may
    be done. Here all work may run twice."""
    return isinstance(error, IncompleteCommit)


@contextmanager
def unavailable_as_retriable() -> Generator[None]:
    """Raises what passes by itself, and did not within the retries, as `Retriable`."""
    try:
        yield
    except (Neo4jError, DriverError, TimeoutError) as error:
        if overloading(error):
            raise Overloaded("the identity graph can't do so much at once") from error
        if passing(error):
            raise Retriable("the identity graph is not available") from error
        raise


async def rows(result: AsyncResult) -> list[Row]:
    """All rows of a result. The driver's own `data()` walks every nested list, at several times the cost."""
    keys = result.keys()
    return [dict(zip(keys, record, strict=True)) async for record in result]


@asynccontextmanager
async def connect(
    url: str, user: str, password: str | None, *, retry_seconds: float = 30.0
) -> AsyncGenerator[Graph]:
    """A graph on a driver of its own, closed at the end."""
    auth = (user, password) if password else None
    driver = AsyncGraphDatabase.driver(
        url,
        auth=auth,
        max_transaction_retry_time=0,  # one policy: that of `Graph`
        connection_acquisition_timeout=8,
        connection_timeout=5,
        liveness_check_timeout=30,
        notifications_min_severity="OFF",
    )
    async with driver:
        yield Graph(driver, retry_seconds=retry_seconds)
