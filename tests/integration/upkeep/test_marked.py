"""Looking for marked customers beside others who look for them, too."""

from typing import Any, Final

import pytest

from graph import marked
from graph.client import Graph
from graph.marked import Marked

FIND: Final = "MATCH (n:Found) WITH n SKIP $skip LIMIT $limit RETURN collect(n.number) AS customers"


@pytest.fixture
async def found(clean: None, graph: Graph) -> Marked:
    await graph.write("test", "UNWIND range(0, 49) AS number CREATE (:Found {number: number})")
    return Marked(graph, "Found")


def at_45(most: int) -> int:
    return 45


def refused(most: int) -> int:
    pytest.fail("there are too few to part them")


async def read(found: Marked, limit: int = 10) -> set[int]:
    row: dict[str, Any] = await found.read("test", FIND, limit)
    return set(row["customers"])


async def test_who_finds_as_many_as_are_read_at_once_goes_on_elsewhere(
    found: Marked, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = list[int]()

    def place(most: int) -> int:
        places.append(most)
        return 25

    monkeypatch.setattr(marked, "randrange", place)
    first = await read(found)
    second = await read(found)
    assert places == [40]
    assert (len(first), len(second)) == (10, 10)
    assert first.isdisjoint(second)


async def test_where_few_are_left_at_that_place_it_begins_anew(
    found: Marked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marked, "randrange", at_45)
    first = await read(found)
    assert await read(found) == first


async def test_few_are_read_from_the_beginning(
    found: Marked, monkeypatch: pytest.MonkeyPatch, graph: Graph
) -> None:
    monkeypatch.setattr(marked, "randrange", refused)
    assert len(await read(found, 25)) == 25
    assert len(await read(found, 25)) == 25
    await graph.write("test", "MATCH (n:Found) DELETE n")
    assert await read(found, 25) == set()
