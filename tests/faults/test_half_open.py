"""F38: a server that holds its connections open and says nothing, or whose name is unknown. API, consumer and worker
notice within ten seconds, say so, end by none of it, and go on when it is back."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest

from graph import client as graph_client
from oneid.bootstrap import Stores
from oneid.errors import Retriable
from oneid.log import client as log_client
from oneid.log.events import EventLog
from search import client as search_client
from tests.faults.parts import Parts, parts
from tests.servers import Servers

DETECTED_SECONDS: Final = 10.0
SLACK_SECONDS: Final = 4.0
"""What a busy machine may add."""

GRAPH: Final = '{ customer(by: {identifier: {type: "user_id", value: "u1"}}) { oneId } }'


@asynccontextmanager
async def load(running: Parts) -> AsyncGenerator[list[str]]:
    """Events all the time; the messageIds that were accepted."""
    accepted, stop = list[str](), asyncio.Event()

    async def send() -> None:
        while not stop.is_set():
            message_id = uuid4().hex
            answer = await running.track(userId=f"u{len(accepted) % 20}", messageId=message_id)
            assert answer.status_code in (200, 503), answer.text
            if answer.status_code == 200:
                accepted.append(message_id)
            await asyncio.sleep(0.1)

    sending = asyncio.create_task(send())
    try:
        yield accepted
    finally:
        stop.set()
        await sending


async def noticed(running: Parts) -> None:
    """Returns when the API says that it is not ready."""
    async with asyncio.timeout(DETECTED_SECONDS + SLACK_SECONDS):
        while (await running.http.get(f"{running.api.url}/readyz")).status_code == 200:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def settled(stores: Stores, accepted: list[str]) -> None:
    """Returns when every accepted event is in the index."""
    async with asyncio.timeout(90):
        while True:
            await stores.events.refresh()
            if (await stores.events.get(accepted)).keys() == set(accepted):
                return
            await asyncio.sleep(0.5)


@pytest.mark.faults
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("server", "waiting"),
    [("neo4j", ("consumer", "worker")), ("opensearch", ("consumer", "worker")), ("redis", ("consumer",))],
)
async def test_a_silent_server_is_noticed_by_every_process_and_all_go_on_when_it_is_back(
    servers: Servers,
    stores: Stores,
    clean: None,
    tmp_path: Path,
    server: str,
    waiting: tuple[str, ...],
) -> None:
    async with (
        parts(servers, tmp_path, "api", "consumer", "worker") as running,
        load(running) as accepted,
    ):
        while not accepted:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.1)
        watched = [getattr(running, name) for name in waiting]
        since = [len(part.said()) for part in watched]
        running.proxies[server].silent(True)
        await noticed(running)
        # What they tried again meanwhile they give up, and say so.
        await asyncio.gather(
            *(part.says(" waits: ", 60, at) for part, at in zip(watched, since, strict=True))
        )
        for part in (running.api, running.consumer, running.worker):
            assert part.is_running
            assert await part.is_well()
        running.proxies[server].silent(False)
        before = len(accepted)
        async with asyncio.timeout(40):
            while len(accepted) < before + 20 or "errors" in await running.ask(GRAPH):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        await settled(stores, list(accepted))


@pytest.mark.parametrize("scheme", ["bolt", "neo4j"])
async def test_a_name_that_nobody_knows_passes_by_itself(scheme: str) -> None:
    nowhere = "no-such-host.invalid"
    async with (
        asyncio.timeout(20),
        graph_client.connect(f"{scheme}://{nowhere}:7687", "neo4j", None, retry_seconds=1) as graph,
        search_client.connect(f"http://{nowhere}:9200", retry_seconds=1) as search,
        log_client.connect(f"redis://{nowhere}:6379/0") as redis,
    ):
        for call in (graph.read("test", "RETURN 1"), search.request("GET", "/"), EventLog(redis).backlog(0)):
            with pytest.raises(Retriable):
                await call
