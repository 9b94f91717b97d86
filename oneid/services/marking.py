"""Marking: what a change of the catalog means for every customer, done while others wait or go on."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from graph.attribute_catalog import AttributeCatalog
from graph.markings import EVERYBODY, Marking, Markings
from oneid.clock import sequence
from oneid.services.evaluation import PATIENCE, MaterialisationService


class MarkingService:
    """Marks customers for projection and evaluates them. A kill leaves it to the next, who begins anew."""

    def __init__(
        self, markings: Markings, catalog: AttributeCatalog, materialisation: MaterialisationService
    ) -> None:
        self._markings = markings
        self._catalog = catalog
        self._materialisation = materialisation

    async def settle(self) -> None:
        """Returns when every change of a customer before this call is found by searches."""
        await self._materialisation.settle()

    async def soon(self) -> None:
        """Does what is to be done, as far as it gets in a few seconds; `run_once` goes on with the rest. Raises
        Retriable."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._work_off(await self._markings.all())

    async def run_once(self) -> int:
        """Does what nobody waits for any more, and returns how much that was. Raises Retriable."""
        given_up = sequence() - int(PATIENCE * 1e9)
        waiting = [marking for marking in await self._markings.all() if marking.sequence <= given_up]
        await self._work_off(waiting)
        return len(waiting)

    async def _work_off(self, markings: Sequence[Marking]) -> None:
        for marking in markings:
            await self._do(marking)

    async def _do(self, marking: Marking) -> None:
        if marking.key == EVERYBODY:
            await self._catalog.mark_all()
        else:
            await self._catalog.mark(marking.key)
        if marking.names:
            await self._materialisation.evaluate_all(marking.names)
        await self._markings.done(marking)
