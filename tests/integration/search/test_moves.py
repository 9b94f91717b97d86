"""Re-homing: events follow a merge, and a kill at any request loses none and doubles none."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from search.client import Search
from search.events import EventIndex
from search.indexes import IndexNames
from search.moves import move
from tests.integration.search.factories import START, event

FORMER = [f"former{i}" for i in range(8)]
TARGETS = dict.fromkeys(FORMER, "survivor")
IDS = [f"m{i:03}" for i in range(40)]


class Killed(Exception):
    """The process is gone."""


class Dying(Search):
    """Dies at its n-th request: before it is sent, or after it was done."""

    def __init__(self, alive: Search, at: int, *, before: bool) -> None:
        self._alive = alive
        self._left = at
        self._before = before
        self._retry_seconds = 1.0

    async def once(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        self._left -= 1
        if self._left == 0 and self._before:
            raise Killed
        answer = await self._alive.once(*args, **kwargs)
        if self._left == 0:
            raise Killed
        return answer


async def load(events: EventIndex) -> None:
    await events.store(
        [event(id, FORMER[i % 8], at=START + timedelta(seconds=i), n=i) for i, id in enumerate(IDS)]
    )


async def places(search: Search, names: IndexNames) -> list[tuple[str, str, str]]:
    """(id, routing, customer) of every document."""
    await search.request("POST", f"/{names.events}/_refresh")
    answer = await search.request("POST", f"/{names.events}/_search", {"size": 1000})
    return sorted((hit["_id"], hit["_routing"], hit["_source"]["customer"]) for hit in answer["hits"]["hits"])


MOVED = [(id, "survivor", "survivor") for id in IDS]


@pytest.mark.parametrize("shards", [1, 3])
async def test_events_end_once_each_under_the_survivor(
    search: Search, events: EventIndex, names: IndexNames, shards: int
) -> None:
    await load(events)

    assert await events.rehome(TARGETS) == 40
    assert await events.rehome(TARGETS) == 0

    assert await places(search, names) == MOVED
    page = await events.by_customer(["survivor"], first=50)
    assert [stored.message.payload["properties"]["n"] for stored in page.nodes] == list(range(39, -1, -1))


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("before", [True, False])
async def test_a_kill_at_any_request_is_made_good_by_the_next_run(
    search: Search, events: EventIndex, names: IndexNames, shards: int, before: bool
) -> None:
    for at in range(1, 20):
        everything: dict[str, Any] = {"query": {"match_all": {}}}
        await search.request(
            "POST", f"/{names.events}/_delete_by_query", everything, params={"refresh": True}
        )
        await load(events)
        try:
            await move(Dying(search, at, before=before), names.events, TARGETS, page=15)
        except Killed:
            found = await places(search, names)
            assert sorted({id for id, _, _ in found}) == IDS
            page = await events.by_customer([*FORMER, "survivor"], first=100)
            assert [stored.message.message_id for stored in page.nodes] == IDS[::-1]
            assert page.total == 40
            await events.rehome(TARGETS)
            assert await places(search, names) == MOVED
        else:
            assert at == 13  # all of them: three pages of three requests, a fourth reading, two refreshes
            return
    pytest.fail("the move never ended")


@pytest.mark.parametrize("shards", [1, 3])
async def test_two_moves_at_once_lose_nothing(
    search: Search, events: EventIndex, names: IndexNames, shards: int
) -> None:
    await load(events)

    await asyncio.gather(*(move(search, names.events, TARGETS, page=7) for _ in range(4)))

    assert await places(search, names) == MOVED


@pytest.mark.parametrize("shards", [1, 3])
async def test_a_move_follows_a_move(
    search: Search, events: EventIndex, names: IndexNames, shards: int
) -> None:
    await load(events)

    await events.rehome({one_id: "middle" for one_id in FORMER})
    await events.rehome({"middle": "survivor"})

    assert await places(search, names) == MOVED


async def test_homes_are_the_ids_under_which_events_lie(events: EventIndex) -> None:
    await events.store([event("m1", "c1"), event("m2", "c3")])
    await events.refresh()

    assert await events.homes(["c1", "c2", "c3"]) == {"c1", "c3"}
    assert await events.homes([]) == set()
