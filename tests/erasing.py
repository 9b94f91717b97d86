"""Erasing in the test's own process, with looks that follow at once, and a search for traces in every store."""

from dataclasses import dataclass
from typing import Any

from graph.divisions import Divisions
from graph.erasure_work import ErasureWork
from graph.projection import Projections
from graph.receipts import Receipts
from graph.rules import RulesStore
from oneid.bootstrap import Stores, profile_writer
from oneid.log.dead_letters import DeadLetters
from oneid.log.erasure import LogErasure
from oneid.services.erasure import ErasureService
from oneid.services.erasure_cleanup import ErasureCleanup
from oneid.services.rehoming import RehomingService

NODES = "MATCH (n) WHERE NOT n:Migration RETURN properties(n) AS held"
LINKS = "MATCH ()-[r]->() RETURN properties(r) AS held"
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
    cleanup = ErasureCleanup(
        stores.graph,
        guard.around(ErasureWork(stores.graph)),
        RulesStore(stores.graph),
        guard.around(LogErasure(stores.redis, stores.log.partitions)),
        guard.around(DeadLetters(stores.redis)),
        guard.around(stores.event_erasure),
        guard.around(profile_writer(stores)),
        stores.clock,
        "CN",
        last_look=0,
        passing=0,
        again=0,
    )
    rehoming = RehomingService(Projections(stores.graph), Divisions(stores.graph), stores.events)
    receipts = Receipts(stores.graph)
    return Erasing(ErasureService(stores.graph, receipts, cleanup, rehoming, stores.clock, "CN"), cleanup)


async def traces(stores: Stores, *values: str) -> dict[str, list[str]]:
    """Those of the values that are found in each store, all of it read, through no alias and no filter."""
    graph = str(await stores.graph.read("test", NODES)) + str(await stores.graph.read("test", LINKS))
    await stores.events.refresh()
    await stores.profiles.refresh()
    body = {"size": 10_000, "query": {"match_all": {}}}
    index = str(await stores.search.request("POST", "/_all/_search", body))
    redis = str([await _dump(stores, key) for key in await stores.redis.keys("*")])
    texts = {"graph": graph, "index": index, "redis": redis}
    return {name: [value for value in values if value in text] for name, text in texts.items()}


async def _dump(stores: Stores, key: bytes) -> object:
    kind = await stores.redis.type(key)
    if kind == b"stream":
        return key, await stores.redis.xrange(key)
    return key, await stores.redis.get(key) if kind == b"string" else kind
