"""Clients of the stores that die at a chosen request: before it is sent, or when it is done and not answered."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, LiteralString, TypeVar

from graph.client import Graph, Row, Work
from oneid.bootstrap import Stores
from search.client import Parameters, Search
from search.events import EventIndex
from search.indexes import IndexNames
from search.members import Members
from search.profile_rebuild import ProfileRebuild
from search.profiles import ProfileIndex
from search.segments.histories import Histories
from search.segments.percolator import Percolator

T = TypeVar("T")


class Crash(BaseException):
    """The process is gone: nothing may catch this."""


class Fuse:
    """Counts the requests of one run and blows at one of them."""

    def __init__(self, at: int, *, done: bool) -> None:
        self.blown = False
        self._left = at
        self._done = done

    async def burn(self, request: Callable[[], Awaitable[T]]) -> T:
        """Sends a request, unless it is the one to die at, or any after that."""
        self._left -= 1
        if self._left or self.blown:
            if self.blown:
                raise Crash
            return await request()
        self.blown = True
        if self._done:
            await request()
        raise Crash


class CrashingGraph(Graph):
    """A graph whose requests go through the fuse."""

    def __init__(self, graph: Graph, fuse: Fuse) -> None:
        self._graph = graph
        self._fuse = fuse

    async def read(self, name: str, query: LiteralString, /, **parameters: Any) -> list[Row]:
        return await self._fuse.burn(lambda: self._graph.read(name, query, **parameters))

    async def write(self, name: str, query: LiteralString, /, **parameters: Any) -> list[Row]:
        return await self._fuse.burn(lambda: self._graph.write(name, query, **parameters))

    async def transact(self, name: str, work: Work[T]) -> T:
        return await self._fuse.burn(lambda: self._graph.transact(name, work))


class CrashingSearch(Search):
    """An index whose requests go through the fuse."""

    def __init__(self, search: Search, fuse: Fuse) -> None:
        self._search = search
        self._fuse = fuse

    async def once(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        params: Parameters | None = None,
        ignore: tuple[int, ...] = (),
    ) -> dict[str, Any]:
        return await self._fuse.burn(
            lambda: self._search.once(method, path, body, params=params, ignore=ignore)
        )

    async def persist(self, work: Callable[[], Awaitable[T]]) -> T:
        return await self._search.persist(work)


def dying(stores: Stores, fuse: Fuse) -> Stores:
    """Stores that die when the fuse blows."""
    search, names = CrashingSearch(stores.search, fuse), IndexNames("oneid")
    return replace(
        stores,
        graph=CrashingGraph(stores.graph, fuse),
        search=search,
        events=EventIndex(search, names.events),
        histories=Histories(search, names.events),
        profiles=ProfileIndex(search, names.profiles),
        rebuild=ProfileRebuild(search, names),
        percolator=Percolator(search, names.segments),
        members=Members(search, names.profiles),
    )
