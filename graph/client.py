"""The Neo4j client: named queries, managed transactions, one retry policy.

Neo4j reports deadlocks, leader switches and lost connections as transient; the driver's managed transactions
run the unit of work again with exponential backoff and jitter for `retry_seconds`. A unit of work must
therefore be idempotent: it may have committed although the answer was lost.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, LiteralString, TypeVar

from neo4j import AsyncDriver, AsyncGraphDatabase, AsyncManagedTransaction, unit_of_work
from neo4j.exceptions import DriverError, Neo4jError

from oneid.errors import Retriable

T = TypeVar("T")
Row = dict[str, Any]
Work = Callable[[AsyncManagedTransaction], Awaitable[T]]


class Graph:
    """Runs work in transactions; what stays transient after the retries is raised as `Retriable`."""

    def __init__(self, driver: AsyncDriver, *, database: str = "neo4j", timeout: float = 60.0) -> None:
        self._driver = driver
        self._database = database
        self._timeout = timeout

    async def read(self, name: str, query: LiteralString, /, **parameters: Any) -> list[Row]:
        """Rows of one read query. `name` shows in Neo4j's transaction metadata."""

        async def work(tx: AsyncManagedTransaction) -> list[Row]:
            return await (await tx.run(query, parameters)).data()

        return await self._managed("read", name, work)

    async def write(self, name: str, query: LiteralString, /, **parameters: Any) -> list[Row]:
        """Rows of one write query in a transaction of its own."""

        async def work(tx: AsyncManagedTransaction) -> list[Row]:
            return await (await tx.run(query, parameters)).data()

        return await self._managed("write", name, work)

    async def transact(self, name: str, work: Work[T]) -> T:
        """Several statements in one write transaction; `work` may run more than once."""
        return await self._managed("write", name, work)

    async def _managed(self, mode: str, name: str, work: Work[T]) -> T:
        unit = unit_of_work(metadata={"query": name}, timeout=self._timeout)(work)
        try:
            async with self._driver.session(database=self._database) as session:
                run = session.execute_read if mode == "read" else session.execute_write
                return await run(unit)
        except (Neo4jError, DriverError) as error:
            if error.is_retryable():
                raise Retriable("the identity graph is not available") from error
            raise


@asynccontextmanager
async def connect(
    url: str, user: str, password: str | None, *, retry_seconds: float = 30.0
) -> AsyncIterator[Graph]:
    """A graph on a driver of its own, closed at the end."""
    auth = (user, password) if password else None
    driver = AsyncGraphDatabase.driver(
        url,
        auth=auth,
        max_transaction_retry_time=retry_seconds,
        connection_acquisition_timeout=10,
        connection_timeout=5,
        notifications_min_severity="OFF",
    )
    async with driver:
        yield Graph(driver)
