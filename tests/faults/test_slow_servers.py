"""F14 and F38: servers that answer late, or hold a connection open and never answer. Callers get an answer or a
retryable error before the deadline, and when the server is back so is everything else."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest

from api.app import create_app
from oneid import bootstrap
from oneid.settings import Settings
from tests.faults.proxy import BOLT_COMMIT, Proxy, proxy
from tests.servers import Servers
from tests.serving import serving

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
ADMIN: Final = "sk_sandbox_slow_0123456789abcdef0123456789abcdef0123456789abcdef"
WRITE: Final = "write-key-of-the-slow-servers"
DEADLINE: Final = 25.0
GRAPH: Final = '{ customer(by: {identifier: {type: "user_id", value: "u1"}}) { oneId } }'
INDEX: Final = '{ customers(search: "u1") { totalCount } }'


@dataclass
class Through:
    """A client of an API whose servers are each behind a proxy."""

    http: httpx.AsyncClient
    proxies: dict[str, Proxy]

    async def ask(self, query: str) -> tuple[dict[str, Any], float]:
        """The answer, and the seconds that it took."""
        begin = time.perf_counter()
        answer = await self.http.post(
            "/graphql", json={"query": query}, headers={"authorization": f"Bearer {ADMIN}"}
        )
        return answer.json(), time.perf_counter() - begin

    async def track(self) -> tuple[int, float]:
        begin = time.perf_counter()
        body = {"userId": "u1", "event": "Seen"}
        answer = await self.http.post("/v1/track", json=body, auth=(WRITE, ""))
        return answer.status_code, time.perf_counter() - begin


@asynccontextmanager
async def behind_proxies(servers: Servers, settings: Settings) -> AsyncGenerator[Through]:
    urls = {"neo4j": servers.neo4j, "opensearch": servers.opensearch, "redis": servers.redis}
    async with AsyncExitStack() as stack:
        proxies = {
            name: await stack.enter_async_context(proxy(urlsplit(url).port or 0, BOLT_COMMIT))
            for name, url in urls.items()
        }
        changed = {
            f"{name}_url": urlsplit(url)._replace(netloc=f"127.0.0.1:{proxies[name].port}").geturl()
            for name, url in urls.items()
        }
        altered = Settings.model_validate(
            {**settings.model_dump(), **changed, "admin_key": ADMIN, "write_key": WRITE}
        )
        app = create_app(lambda: bootstrap.services(altered))
        url = await stack.enter_async_context(serving(app))
        yield Through(await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60)), proxies)


@pytest.fixture
async def through(servers: Servers, settings: Settings, clean: None) -> AsyncGenerator[Through]:
    async with behind_proxies(servers, settings) as opened:
        yield opened


@pytest.mark.parametrize(("server", "query"), [("neo4j", GRAPH), ("opensearch", INDEX)])
async def test_a_server_that_never_answers_is_a_retryable_error_before_the_deadline(
    through: Through, server: str, query: str
) -> None:
    assert "errors" not in (await through.ask(query))[0]
    through.proxies[server].silent(True)
    answer, seconds = await through.ask(query)
    assert codes(answer) == ["UNAVAILABLE"]
    assert seconds < DEADLINE + 2
    answers = await asyncio.gather(*(through.ask(query) for _ in range(20)))
    assert [codes(answer) for answer, _ in answers] == [["UNAVAILABLE"]] * 20
    assert max(seconds for _, seconds in answers) < DEADLINE + 2
    through.proxies[server].silent(False)
    async with asyncio.timeout(DEADLINE):
        while codes((await through.ask(query))[0]):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    assert all(
        not codes(answer) for answer, _ in await asyncio.gather(*(through.ask(query) for _ in range(20)))
    )


async def test_a_log_that_never_answers_is_a_503_within_its_time_and_comes_back(through: Through) -> None:
    assert (await through.track())[0] == 200
    through.proxies["redis"].silent(True)
    status, seconds = await through.track()
    assert status == 503
    assert seconds < 15
    through.proxies["redis"].silent(False)
    assert (await through.track())[0] == 200


async def test_slow_and_narrow_servers_mean_late_answers_or_retryable_errors_and_no_refused_event(
    through: Through,
) -> None:
    """F14: two seconds more or less each way and 10 KB a second, many callers at once."""
    assert (await through.track())[0] == 200
    for name in ("neo4j", "opensearch"):
        through.proxies[name].delay, through.proxies[name].jitter = 2.0, 0.5
        through.proxies[name].rate = 10_000
    asking = [through.ask(query) for query in (GRAPH, INDEX, "{ clock { now } }") for _ in range(15)]
    answers, events = await asyncio.gather(
        asyncio.gather(*asking), asyncio.gather(*(through.track() for _ in range(60)))
    )
    for answer, seconds in answers:
        assert codes(answer) in ([], ["UNAVAILABLE"])
        assert seconds < DEADLINE + 2
    assert {status for status, _ in events} == {200}
    assert max(seconds for _, seconds in events) < 4
    for name in ("neo4j", "opensearch"):
        through.proxies[name].delay = through.proxies[name].jitter = through.proxies[name].rate = 0
    async with asyncio.timeout(DEADLINE):
        while codes((await through.ask(GRAPH))[0]) or codes((await through.ask(INDEX))[0]):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    after = await asyncio.gather(*(through.ask(query) for query in (GRAPH, INDEX) for _ in range(30)))
    assert all(not codes(answer) and seconds < 10 for answer, seconds in after)


def codes(answer: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in answer.get("errors", [])]
