"""The OpenSearch client: one retry policy and one mapping of failures to `oneid.errors`.

What passes by itself (no connection, a timeout, 429, 502, 503, 504, a write block) is tried again with jittered
exponential waits for `retry_seconds` and then raised as `Retriable`; every request made here is idempotent,
since an answer can be lost after the work was done.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar
from urllib.parse import unquote, urlsplit

import orjson
from opensearchpy import AsyncOpenSearch, JSONSerializer
from opensearchpy.exceptions import ConnectionError as OpenSearchConnectionError
from opensearchpy.exceptions import TransportError
from tenacity import AsyncRetrying, retry_if_exception, stop_after_delay, wait_random_exponential

from oneid.errors import Retriable
from search.encoding import dumps

T = TypeVar("T")
Parameters = Mapping[str, str | int | bool]
WHOLE: Parameters = {"allow_partial_search_results": False}
PASSING = frozenset({429, 502, 503, 504})

QUIET_SECONDS: Final = 4.0
"""A server that said nothing for so long is asked whether it is there, and has as long to answer: a connection that is
open and dead is noticed within twice of it, whatever a request is granted."""


class Body(JSONSerializer):
    """JSON by orjson, both ways: responses are large."""

    def loads(self, s: str) -> Any:
        return orjson.loads(s)

    def dumps(self, data: Any) -> Any:
        return data if isinstance(data, str | bytes) else dumps(data)


class Search:
    """Requests to one cluster: `attempt_seconds` for each attempt, `retry_seconds` until the last one starts."""

    def __init__(
        self, client: AsyncOpenSearch, *, retry_seconds: float = 5.0, attempt_seconds: float = 10.0
    ) -> None:
        self._client = client
        self._retry_seconds = retry_seconds
        self._attempt_seconds = attempt_seconds

    async def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        params: Parameters | None = None,
        ignore: tuple[int, ...] = (),
    ) -> dict[str, Any]:
        """The decoded answer. A status in `ignore` is an answer too. Raises Retriable; what the server
        refuses for good stays a `TransportError`, a fault of this code."""

        async def attempt() -> dict[str, Any]:
            return await self.once(method, path, body, params=params, ignore=ignore)

        return await self.persist(attempt)

    async def search(
        self, alias: str, body: Mapping[str, Any], *, params: Parameters | None = None
    ) -> dict[str, Any]:
        """The answer of all shards; one that is away makes it Retriable instead of a smaller answer. The alias
        is empty where the body names a point in time."""
        path = f"/{alias}/_search" if alias else "/_search"
        return await self.request("POST", path, body, params={**WHOLE, **(params or {})})

    async def searches(self, bodies: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The answers of several searches at once, as `search` gives each of them. Every body names a point in
        time."""
        lines = [line for body in bodies for line in (dumps(WHOLE), dumps(body))]

        async def attempt() -> list[dict[str, Any]]:
            answer = await self.once("POST", "/_msearch", b"\n".join([*lines, b""]))
            for found in answer["responses"]:
                if "error" in found:
                    raise TransportError(found["status"], found["error"]["type"], found)
            responses: list[dict[str, Any]] = answer["responses"]
            return responses

        return await self.persist(attempt)

    async def once(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        params: Parameters | None = None,
        ignore: tuple[int, ...] = (),
    ) -> dict[str, Any]:
        """One attempt, for work that `persist` repeats."""
        request = self._client.transport.perform_request(
            method,
            path,
            params={name: _text(value) for name, value in (params or {}).items()},
            body=body,
            headers=_headers(body),
            ignore=ignore,
            timeout=self._attempt_seconds,
        )
        answer: dict[str, Any] = await self._watched(request)
        return answer

    async def _watched(self, request: Coroutine[Any, Any, T]) -> T:
        """A request that may take long, as long as the server answers others meanwhile."""
        running = asyncio.create_task(request)
        try:
            while not (await asyncio.wait({running}, timeout=QUIET_SECONDS))[0]:
                await self._client.transport.perform_request("GET", "/", timeout=QUIET_SECONDS)
            return running.result()
        finally:
            running.cancel()

    async def persist(self, work: Callable[[], Awaitable[T]]) -> T:
        """Runs idempotent work under the retry policy."""
        retrying = AsyncRetrying(
            stop=stop_after_delay(self._retry_seconds),
            wait=wait_random_exponential(multiplier=0.05, max=2),
            retry=retry_if_exception(passing),
            reraise=True,
        )
        try:
            return await retrying(work)
        except TransportError as error:
            if passing(error):
                raise Retriable("the search index is not available") from error
            raise


def passing(error: BaseException) -> bool:
    """Whether a failure passes by itself."""
    if isinstance(error, OpenSearchConnectionError | Retriable):
        return True
    if not isinstance(error, TransportError):
        return False
    return error.status_code in PASSING or error.error == "cluster_block_exception"


@asynccontextmanager
async def connect(
    url: str, *, retry_seconds: float = 5.0, attempt_seconds: float = 10.0
) -> AsyncGenerator[Search]:
    """A client on a connection pool of its own, closed at the end. `url` may hold user and password."""
    client = AsyncOpenSearch(
        hosts=[host(url)],
        http_auth=credentials(url),
        serializer=Body(),
        max_retries=0,
        pool_maxsize=20,
        http_compress=False,
    )
    try:
        yield Search(client, retry_seconds=retry_seconds, attempt_seconds=attempt_seconds)
    finally:
        await client.close()


def host(url: str) -> dict[str, Any]:
    """The address as opensearch-py takes it; port 443 or 9200 where none is given."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    return {
        "host": parts.hostname or "127.0.0.1",
        "port": parts.port or (443 if secure else 9200),
        "use_ssl": secure,
        "url_prefix": parts.path.strip("/"),
    }


def credentials(url: str) -> tuple[str, str] | None:
    """User and password of the address, percent-decoded."""
    parts = urlsplit(url)
    if parts.username is None:
        return None
    return unquote(parts.username), unquote(parts.password or "")


def _headers(body: Mapping[str, Any] | bytes | None) -> dict[str, str] | None:
    return {"content-type": "application/x-ndjson"} if isinstance(body, bytes) else None


def _text(value: str | int | bool) -> str | int:
    return str(value).lower() if isinstance(value, bool) else value
