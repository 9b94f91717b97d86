"""Re-homing: the events of merged-away ONE-IDs follow their customers."""

from graph.projection import Move, Projections
from oneid.clock import sequence
from oneid.metrics import REHOMED
from search.events import EventIndex

SECOND_LOOK_SECONDS = 30.0


class RehomingService:
    """Moves events in the index after merges. A message resolved just before a merge can be stored just after
    the move, so every move is looked at once more, `second_look` seconds later."""

    def __init__(
        self, marks: Projections, events: EventIndex, *, second_look: float = SECOND_LOOK_SECONDS
    ) -> None:
        self._marks = marks
        self._events = events
        self._second_look = int(second_look * 1e9)

    async def run_once(self, limit: int = 1000) -> int:
        """Does at most `limit` due moves and returns how many. Raises Retriable; what was moved stays moved."""
        now = sequence()
        moves = await self._marks.moves(now, limit)
        if moves:
            await self._events.rehome(_targets(moves))
            await self._marks.moved(moves, now + self._second_look)
            REHOMED.inc(len(moves))
        return len(moves)


def _targets(moves: list[Move]) -> dict[str, str]:
    return {move.former: move.target for move in moves}
