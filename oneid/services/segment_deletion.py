"""Deleting segments: gone at once for everybody who asks, and what was kept for them piece by piece."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from graph.definitions import Definitions, Known, Numbers, Written
from graph.segments import Segments
from graph.transitions import Transitions
from oneid.clock import sequence
from oneid.domain.segments.definitions import Segment
from oneid.errors import Conflict, Retriable, VersionConflict
from oneid.services.building import BuildingService
from oneid.services.evaluation import PATIENCE, MaterialisationService
from oneid.services.segments import SegmentService
from search.members import Members

SLICE: Final = 5_000
NAMES: Final = 5
"""So many users of a segment are told by name."""


class SegmentDeletion:
    """Deletes segments. Any number may run at once, in any process."""

    def __init__(
        self,
        definitions: Definitions,
        store: Segments,
        segments: SegmentService,
        building: BuildingService,
        materialisation: MaterialisationService,
        transitions: Transitions,
        members: Members,
    ) -> None:
        self._definitions = definitions
        self._store = store
        self._segments = segments
        self._building = building
        self._materialisation = materialisation
        self._transitions = transitions
        self._members = members

    async def delete(self, name: str, expected_version: int | None = None) -> Segment:
        """Deletes a segment that nothing names. Nobody leaves it by that: its transitions go with it.

        Raises:
            NotFound: there is no such segment.
            VersionConflict: it is at another version.
            Conflict: rules name it; the message says whose.
        """
        segment = await self._segments.get(name)
        if expected_version not in (None, segment.version):
            message = f"the segment is at version {segment.version}, not {expected_version}"
            raise VersionConflict(message, field=("expectedVersion",))

        def change(known: Known, _: Numbers) -> Written:
            if users := known.rules.bringing_in(segment):
                raise Conflict(f"{told(users)} name it", field=("id",))
            return Written(segments_gone=[segment.id])

        await self._definitions.change(change)
        await self._building.build_soon()
        with suppress(TimeoutError, Retriable):
            async with asyncio.timeout(PATIENCE):
                await self.run_once()
        return segment

    async def run_once(self) -> int:
        """Forgets who was in segments that are gone; how many segments that were. Raises Retriable."""
        gone = await self._store.dropped()
        for id_ in gone:
            await self._forget(id_)
        return len(gone)

    async def _forget(self, id_: str) -> None:
        while await self._transitions.forget(id_, SLICE):
            pass
        await self._materialisation.settle()
        async for one_ids in self._members.of({"term": {"lists": id_}}):
            await self._store.remove(id_, one_ids, sequence())
        await self._materialisation.settle()
        # A merge may have brought somebody onto the list meanwhile: the next round finds that.
        if not [page async for page in self._members.of({"term": {"lists": id_}})]:
            await self._store.forget(id_)


def told(users: Sequence[str]) -> str:
    """Who it is that names something, as the beginning of a sentence."""
    shown = ", ".join(users[:NAMES])
    return f"{shown} and {len(users) - NAMES} more" if len(users) > NAMES else shown
