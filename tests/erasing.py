"""Erasing in the test's own process, with looks that follow at once, and a search for traces in every store."""

from dataclasses import dataclass
from typing import Any

from graph.divisions import Divisions
from graph.erasure_results import ErasureResults
from graph.erasure_scrubs import ErasureScrubs
from graph.erasure_work import ErasureWork
from graph.projection import Projections
from graph.receipts import Receipts
from graph.rules import RulesStore
from oneid.bootstrap import PERSONAL, Stores, erasure_rules, profile_writer, searchable
from oneid.log.dead_letters import DeadLetters
from oneid.log.erasure import LogErasure
from oneid.services.erasure import ErasureService
from oneid.services.erasure_cleanup import ErasureCleanup
from oneid.services.erasure_others import ErasureOthers
from oneid.services.rehoming import RehomingService

NODES = "MATCH (n) WHERE NOT n:Migration RETURN labels(n) AS name, properties(n) AS held"
LINKS = "MATCH ()-[r]->() RETURN type(r) AS name, properties(r) AS held"
NOTHING: dict[str, list[str]] = {"graph": [], "index": [], "redis": []}


class Killed(BaseException):
    """The process ends here: nothing handles this."""


class Killer:
    """Ends the process at the n-th step; `steps` counts them."""

    def __init__(self, at: int = 0) -> None:
        self.steps = 0
        self._at = at

    def step(self) -> None:
        self.steps += 1
        if self.steps == self._at:
            raise Killed

    def around(self, target: Any) -> Any:
        return Guarded(target, self)


class Guarded:
    """Something whose every call is a step, before and after."""

    def __init__(self, target: Any, killer: Killer) -> None:
        self._target = target
        self._killer = killer

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._target, name)

        async def guarded(*args: Any, **named: Any) -> Any:
            self._killer.step()
            answer = await call(*args, **named)
            self._killer.step()
            return answer

        return guarded


@dataclass(frozen=True)
class Erasing:
    """The service that erases, and the worker that finishes."""

    service: ErasureService
    cleanup: ErasureCleanup

    async def erase(self, one_id: str | None, *, suppress: bool = False) -> str:
        return await self.service.erase(one_id or "", suppress=suppress)

    async def finish(self, receipt: str) -> None:
        """Lets the worker look until nothing is left to be done."""
        for _ in range(100):
            await self.cleanup.run_once()
            held = await self.service.receipt(receipt)
            if held and held.completed_at:
                return
        raise AssertionError("the erasure does not end")


def erasing(stores: Stores, killer: Killer | None = None) -> Erasing:
    guard = killer or Killer()
    events = guard.around(stores.event_erasure)
    scrubs = guard.around(ErasureScrubs(stores.graph))
    others = ErasureOthers(scrubs, stores.vocabulary.conditions, events, searchable(stores), "CN")
    cleanup = ErasureCleanup(
        stores.graph,
        guard.around(ErasureWork(stores.graph)),
        others,
        guard.around(erasure_rules(stores)),
        guard.around(ErasureResults(stores.graph, PERSONAL)),
        RulesStore(stores.graph),
        guard.around(LogErasure(stores.redis, stores.log.partitions)),
        guard.around(DeadLetters(stores.redis)),
        events,
        guard.around(profile_writer(stores)),
        stores.clock,
        "CN",
        last_look=0,
        passing=0,
        again=0,
    )
    rehoming = RehomingService(Projections(stores.graph), Divisions(stores.graph), stores.events)
    receipts = Receipts(stores.graph)
    log = LogErasure(stores.redis, stores.log.partitions)
    return Erasing(
        ErasureService(stores.graph, receipts, cleanup, rehoming, log, stores.clock, "CN"), cleanup
    )


async def traces(stores: Stores, *values: str) -> dict[str, list[str]]:
    """Those of the values that are found in each store, in whatever case: all of it is read, through no alias and
    no filter."""
    texts = {
        "graph": await graph_text(stores),
        "index": await index_text(stores),
        "redis": await log_text(stores),
    }
    return {
        name: [value for value in values if value.lower() in text.lower()] for name, text in texts.items()
    }


async def graph_text(stores: Stores) -> str:
    """Every label, type and property."""
    return f"{await stores.graph.read('test', NODES)} {await stores.graph.read('test', LINKS)}"


async def index_text(stores: Stores) -> str:
    """Every document of every index, hidden ones too, with where it lies, and all mappings."""
    every: dict[str, str | int] = {"expand_wildcards": "all"}
    await stores.search.request("POST", "/_all/_refresh", params=every)
    body = {"size": 5_000, "query": {"match_all": {}}}
    page = await stores.search.request("POST", "/_all/_search", body, params={**every, "scroll": "1m"})
    hits: list[Any] = []
    while page["hits"]["hits"]:
        hits += page["hits"]["hits"]
        asked = {"scroll": "1m", "scroll_id": page["_scroll_id"]}
        page = await stores.search.request("POST", "/_search/scroll", asked)
    await stores.search.request("DELETE", "/_search/scroll", {"scroll_id": page["_scroll_id"]})
    return f"{hits} {await stores.search.request('GET', '/_all/_mapping', params=every)}"


async def log_text(stores: Stores) -> str:
    """Every key and value."""
    return str([(key, await _held(stores, key)) for key in await stores.redis.keys("*")])


async def _held(stores: Stores, key: bytes) -> Any:
    redis: Any = stores.redis
    kind = (await redis.type(key)).decode()
    readers = {
        "string": lambda: redis.get(key),
        "stream": lambda: redis.xrange(key),
        "list": lambda: redis.lrange(key, 0, -1),
        "set": lambda: redis.smembers(key),
        "zset": lambda: redis.zrange(key, 0, -1, withscores=True),
        "hash": lambda: redis.hgetall(key),
    }
    return await readers[kind]() if kind in readers else None
