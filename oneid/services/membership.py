"""Which segments customers are in now."""

from collections.abc import Sequence

from graph.projection import Projections
from graph.segments import Segments
from oneid.domain.segments.definitions import Segment
from oneid.services.judging import JudgingService


class MembershipService:
    """Compares customers, as the graph has them, with every segment."""

    def __init__(self, projections: Projections, judging: JudgingService, segments: Segments) -> None:
        self._projections = projections
        self._judging = judging
        self._segments = segments

    async def of(self, one_ids: Sequence[str]) -> list[list[Segment]]:
        """For each customer, by its current ONE-ID, the segments that it is in: rules that are true now, lists
        and snapshots, in order of their keys."""
        records = [entry.record for entry in await self._projections.among(one_ids)]
        matched = await self._judging.matched(records)
        inside = {
            record.one_id: found | set(record.lists) for record, found in zip(records, matched, strict=True)
        }
        named = await self._segments.named(sorted(set[str]().union(*inside.values())))
        visible = sorted((one for one in named if not one.hidden), key=lambda segment: segment.key)
        return [[one for one in visible if one.id in inside.get(one_id, ())] for one_id in one_ids]
