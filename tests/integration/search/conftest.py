"""Indexes of their own for each test, with one shard or with three."""

from collections.abc import AsyncIterator

import pytest

from search.client import Search, connect
from search.events import EventIndex
from search.indexes import IndexNames, create
from search.profiles import ProfileIndex
from tests.servers import Servers


@pytest.fixture(scope="session")
async def search(servers: Servers) -> AsyncIterator[Search]:
    async with connect(servers.opensearch, attempt_seconds=30.0) as connected:
        yield connected


@pytest.fixture
def shards() -> int:
    """Shards of the event index; a test of both asks for `shards` as a parameter."""
    return 1


@pytest.fixture
async def names(search: Search, shards: int) -> AsyncIterator[IndexNames]:
    """Empty indexes under a prefix that nothing else uses."""
    found = IndexNames("trial", event_shards=shards)
    for index in found.all:
        await search.request("DELETE", f"/{index.physical}", ignore=(404,))
        await create(search, index)
    yield found
    for index in found.all:
        await search.request("DELETE", f"/{index.physical}", ignore=(404,))


@pytest.fixture
def events(search: Search, names: IndexNames) -> EventIndex:
    return EventIndex(search, names.events)


@pytest.fixture
def profiles(search: Search, names: IndexNames) -> ProfileIndex:
    return ProfileIndex(search, names.profiles)
