"""A segment as the graph records it."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from oneid.errors import InvalidInput

KEY: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
MAX_NAME: Final = 200


class SegmentKind(StrEnum):
    """DYNAMIC: whoever the rule is true for, at every instant. STATIC: a list that is kept by hand. SNAPSHOT:
    who was in a segment or matched a rule when it was made."""

    DYNAMIC = "DYNAMIC"
    STATIC = "STATIC"
    SNAPSHOT = "SNAPSHOT"


@dataclass(frozen=True, slots=True)
class Segment:
    """A definition. `rule`: as it was written, of a snapshot what its members matched; `conditions`: the timed
    conditions that it needs; `dates`: the comparisons of dates, as the
    arguments of `membership.compared_date`; `lags`: what must
    have held for days, as [number, days]; `hidden`: it belongs to a tag or to a stage, whose id it has. While who
    is in it is being found out, `building` is the number of that work, and only if `announced` somebody enters or
    leaves by it. Times are RFC 3339 (`messages.format_time`)."""

    id: str
    key: str
    name: str
    kind: SegmentKind
    version: int
    created_at: str
    updated_at: str
    rule: dict[str, Any] | None = None
    conditions: tuple[str, ...] = ()
    hidden: bool = False
    building: int = 0
    announced: bool = False
    dates: tuple[tuple[Any, ...], ...] = ()
    lags: tuple[tuple[int, int], ...] = ()

    @property
    def of_stage(self) -> bool:
        """Whether it is the rule of a stage (`Lifecycle.segment_of`)."""
        return self.hidden and ":" in self.id

    def check(self) -> None:
        """Raises InvalidInput where key or name make no sense."""
        if not KEY.fullmatch(self.key):
            message = "a key has 1 to 64 small letters, digits, _ or -, and starts with a letter or a digit"
            raise InvalidInput(message, field=("key",))
        if not 0 < len(self.name) <= MAX_NAME:
            raise InvalidInput(f"a name has 1 to {MAX_NAME} characters", field=("name",))
