"""The registry of moments of truth."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from oneid.domain.moments import TEMPLATES, Moment, MomentTemplate
from oneid.domain.segments.definitions import Segment, SegmentKind
from oneid.errors import InvalidInput
from oneid.services.segments import NewSegment, SegmentService


class MomentService:
    """Lists ready-made moments and installs them as segments."""

    def __init__(self, segments: SegmentService) -> None:
        self._segments = segments

    async def installed(self) -> dict[Moment, Segment | None]:
        """The segment of each moment, None where it is not installed."""
        return {moment: await self._segments.find(one.key) for moment, one in TEMPLATES.items()}

    async def install(
        self, moment: Moment, changed: Mapping[str, Any], *, personal: bool
    ) -> tuple[Segment, bool]:
        """The segment of a moment, and whether it is new; one that is there stays as it is. `changed`: what of the
        template is otherwise; `personal`: whether the caller may see personal data. Raises InvalidInput,
        LimitExceeded, Forbidden."""
        template = customised(TEMPLATES[moment], changed)
        if known := await self._segments.find(template.key):
            return known, False
        rule, kind = template.rule(), SegmentKind.DYNAMIC
        new = NewSegment(template.key, template.name, kind, rule, personal=personal)
        return await self._segments.create(new), True


def customised(template: MomentTemplate, changed: Mapping[str, Any]) -> MomentTemplate:
    """A template with other events or times. Raises InvalidInput where it has no such thing."""
    for name, value in changed.items():
        if getattr(template, name) is None:
            raise InvalidInput(f"{template.moment} has no {name}", field=(name,))
        if value == "":
            raise InvalidInput("must not be empty", field=(name,))
    made = replace(template, **changed)
    made.check()
    return made
