"""Reindexing: a new profile index from the graph, in the place of the old one, while everything goes on.

Each step leaves both stores such that doing it again goes on from there: whoever dies is followed by somebody who
does. Until the alias is moved the old index is the one that is searched and the new one can be thrown away; after
that the old one can.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final

from graph.attribute_catalog import AttributeCatalog
from graph.projection import Projected, Projections
from graph.reindexing import Note, Reindexing
from oneid.clock import monotonic
from oneid.errors import Conflict, Retriable
from oneid.metrics import REINDEXED
from oneid.services.operation_run import LeaseLost, Run
from oneid.services.reindex_check import ReindexCheck
from search.profile_rebuild import ProfileRebuild

KIND: Final = "reindex"
PAGE: Final = 1_000
PASSES: Final = 5

logger = logging.getLogger(__name__)


class ReindexService:
    """The handler of operations of the kind `reindex`, of which one runs at a time."""

    def __init__(
        self,
        reindexing: Reindexing,
        marks: Projections,
        catalog: AttributeCatalog,
        rebuild: ProfileRebuild,
        *,
        page: int = PAGE,
    ) -> None:
        self._reindexing = reindexing
        self._marks = marks
        self._catalog = catalog
        self._rebuild = rebuild
        self._check = ReindexCheck(reindexing, marks, catalog, rebuild.index)
        self._page = page

    async def run(self, run: Run) -> dict[str, Any]:
        """Makes the new index and moves the alias. Raises Retriable, Conflict if the new index does not become
        what the graph says."""
        began = monotonic()
        note = await self._reindexing.get(run.operation.id)
        repaired = 0
        if note is None or await self._rebuild.current() != note.index:
            async with self._given_up_on_failure(run):
                note = await self._begin(run, note)
                await self._fill(run, note)
                await self._rebuild.settle(note.index)
                repaired = await self._verify(run)
                await self._rebuild.swap(note.index)
        await self._rebuild.drop_others()
        await self._reindexing.close()
        return {
            "index": note.index,
            "customers": run.state.done,
            "repaired": repaired,
            "seconds": round(monotonic() - began, 3),
        }

    async def _begin(self, run: Run, note: Note | None) -> Note:
        """The note comes before the index: from then on changes are written to it as soon as it is there."""
        if note is None:
            await self.give_up()
            note = await self._reindexing.open(run.operation.id, await self._rebuild.free_name())
        if await self._rebuild.create(note.index, await self._catalog.current()):
            await self._reindexing.advance(run.operation.id, "", 0)
            return Note(note.index, "", 0)
        return note

    async def _fill(self, run: Run, note: Note) -> None:
        """Copies the customers in order of ONE-ID."""
        done, total = note.copied, await self._reindexing.customers()
        await run.progress(done, total)
        async with aclosing(self._pages(note.after)) as pages:
            async for page in pages:
                await self._copy(page)
                done += len(page)
                await self._reindexing.advance(run.operation.id, page[-1].record.one_id, done)
                await run.progress(done, max(total, done))

    async def _pages(self, after: str) -> AsyncGenerator[list[Projected]]:
        """One page is read while the caller is busy with the one before it."""
        reading = asyncio.create_task(self._marks.range(after, self._page))
        try:
            while page := await reading:
                reading = asyncio.create_task(self._marks.range(page[-1].record.one_id, self._page))
                yield page
        finally:
            await asyncio.gather(reading, return_exceptions=True)

    async def _copy(self, page: Sequence[Projected]) -> None:
        live = [customer.record for customer in page if not customer.merged]
        # Read after the customers, as whoever projects does.
        await self._rebuild.index.write(live, (), await self._catalog.current())
        REINDEXED.inc(len(page))

    async def _verify(self, run: Run) -> int:
        """Compares until nothing differs; how many documents had to be put right."""
        total = 0
        for _ in range(PASSES):
            repaired = await self._check.repair(run)
            if not repaired:
                return total
            logger.warning("%d profiles of the new index were put right", repaired)
            total += repaired
            await self._rebuild.index.refresh()
        raise Conflict("the new index did not become what the graph says")

    @asynccontextmanager
    async def _given_up_on_failure(self, run: Run) -> AsyncGenerator[None]:
        """Throws the new index away where nobody will go on with it."""
        try:
            yield
        except LeaseLost:
            raise
        except Exception as error:
            if run.last or not isinstance(error, Retriable):
                await self.give_up()
            raise

    async def give_up(self) -> None:
        """Leaves the index that is searched as the only one. With the index away too, changes are at least no
        longer written twice; the next reindexing finds what is left."""
        try:
            await self._rebuild.drop_others()
        finally:
            await self._reindexing.close()
