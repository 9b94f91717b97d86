"""Re-homing: the events of merged-away ONE-IDs, and of parts that were split off, follow their customers."""

from collections.abc import Sequence
from contextlib import suppress

from graph.divisions import Divisions, EventMove
from graph.projection import Move, Projections
from oneid.clock import sequence
from oneid.errors import Retriable
from oneid.metrics import REHOMED
from search.events import EventIndex

SECOND_LOOK_SECONDS = 30.0
AT_ONCE = 100


class RehomingService:
    """Moves events in the index after merges and splits. A message resolved just before can be stored just after
    the move, so every move is looked at once more, `second_look` seconds later. Until then nothing else moves from or
    to whoever was split: what a merge brings is not shared out, and what it takes along is."""

    def __init__(
        self,
        marks: Projections,
        divisions: Divisions,
        events: EventIndex,
        *,
        second_look: float = SECOND_LOOK_SECONDS,
    ) -> None:
        self._marks = marks
        self._divisions = divisions
        self._events = events
        self._second_look = int(second_look * 1e9)

    async def run_once(self, limit: int = 1000) -> int:
        """Does at most `limit` due moves and returns how many. Raises Retriable; what was moved stays moved."""
        return await self._after_merges(limit) + await self._after_splits(limit)

    async def follow(self, parts: Sequence[str]) -> None:
        """Moves the events of parts that one was just split into. Without the index it is done when that is back."""
        with suppress(Retriable):
            await self._divide(await self._divisions.due(sequence(), AT_ONCE, parts))

    async def _after_merges(self, limit: int) -> int:
        now = sequence()
        moves = await self._marks.moves(now, limit)
        if moves:
            await self._events.rehome(_targets(moves))
            await self._marks.moved(moves, now + self._second_look)
            REHOMED.inc(len(moves))
        return len(moves)

    async def _after_splits(self, limit: int) -> int:
        return await self._divide(await self._divisions.due(sequence(), limit))

    async def _divide(self, moves: Sequence[EventMove]) -> int:
        for move in moves:
            if not move.gone:
                await self._events.divide(
                    move.sources, move.target, keys=move.keys, stay=move.stay, until=move.until
                )
        if moves:
            await self._divisions.done(moves, sequence() + self._second_look)
            REHOMED.inc(len(moves))
        return len(moves)


def _targets(moves: list[Move]) -> dict[str, str]:
    return {move.former: move.target for move in moves}
