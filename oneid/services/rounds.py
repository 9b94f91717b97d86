"""Work that many callers ask for at once and that is done once for all of them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Round:
    done: asyncio.Future[None]
    items: set[str] = field(default_factory=set[str])


class Rounds:
    """Runs one round at a time. Who joins while one is running is served by the next, since the running one may
    have read its state already."""

    def __init__(self, work: Callable[[list[str]], Awaitable[None]]) -> None:
        self._work = work
        self._next: _Round | None = None
        self._runner: asyncio.Task[None] | None = None

    async def join(self, items: Iterable[str]) -> None:
        """Returns when a round that started after this call has done these items; raises what it raised."""
        if self._next is None:
            self._next = _Round(asyncio.get_running_loop().create_future())
        this = self._next
        this.items.update(items)
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run())
        # A caller that gives up must not take the round away from the others.
        await asyncio.shield(this.done)

    async def _run(self) -> None:
        while self._next is not None:
            this, self._next = self._next, None
            this.done.add_done_callback(_retrieve)
            try:
                await self._work(sorted(this.items))
            except asyncio.CancelledError:
                this.done.cancel()
                raise
            except Exception as error:
                this.done.set_exception(error)
            else:
                this.done.set_result(None)


def _retrieve(done: asyncio.Future[None]) -> None:
    """Marks the exception as seen when every caller has gone."""
    if not done.cancelled():
        done.exception()
