"""F1 and F2: the API is killed when the log has the events and the caller has not heard, or just before. Whoever sends
the same again has it stored once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from oneid.bootstrap import Stores
from tests.consumers import work_off
from tests.faults.parts import Parts, parts
from tests.servers import Servers

pytestmark = pytest.mark.faults


@pytest.fixture
async def running(servers: Servers, clean: None, tmp_path: Path) -> AsyncIterator[Parts]:
    async with parts(servers, tmp_path, "api", marker=b"XADD") as started:
        assert (await started.track(userId="u0", messageId="m0")).status_code == 200
        yield started


async def killed_in_the_middle(running: Parts) -> None:
    """The API dies while its command to the log is held; its caller hears nothing."""
    calling = asyncio.create_task(running.track(userId="u1", messageId="m1"))
    async with asyncio.timeout(20):
        while not running.proxies["redis"].held:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
    await running.api.kill()
    with pytest.raises(httpx.HTTPError):
        await calling
    running.proxies["redis"].hold_requests = running.proxies["redis"].hold_replies = False
    running.proxies["redis"].silent(False)


async def stored(stores: Stores) -> list[str]:
    await work_off(stores)
    body = {"size": 100, "_source": ["messageId"], "sort": "messageId"}
    found = await stores.search.search("oneid-events", body)
    return [hit["_source"]["messageId"] for hit in found["hits"]["hits"]]


@pytest.mark.parametrize(
    ("hold", "written"), [("hold_replies", 1), ("hold_requests", 0)], ids=["after", "before"]
)
async def test_an_event_that_is_sent_again_because_the_api_died_is_stored_once(
    running: Parts, stores: Stores, hold: str, written: int
) -> None:
    setattr(running.proxies["redis"], hold, True)
    await killed_in_the_middle(running)
    assert await stores.log.backlog(0) == 1 + written
    await running.api.start()
    assert (await running.track(userId="u1", messageId="m1")).status_code == 200
    assert await stores.log.backlog(0) == 2 + written
    assert await stored(stores) == ["m0", "m1"]
