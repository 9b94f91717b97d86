"""Retention policies: whose data are not kept any longer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from oneid.domain.messages import parse_time
from oneid.domain.segments.operators import whole
from oneid.errors import InvalidInput

KEY: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
MAX_NAME: Final = 200
MAX_AT_ONCE: Final = 1_000_000
EVERY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """Erases whom a rule is true for. `suppress`: and keeps them away; `daily`: once a day by the business clock, else
    only when somebody asks; `most`: a run that would erase more erases nobody. Times are RFC 3339; `last_run_at`: when
    the last daily run was begun."""

    key: str
    name: str
    rule: Mapping[str, Any]
    suppress: bool
    daily: bool
    most: int
    version: int = 0
    updated_at: str = ""
    last_run_at: str | None = None

    def after(self, old: "RetentionPolicy | None", now: str) -> "RetentionPolicy":
        """In place of the one of its key, as its next version."""
        if old is None:
            return replace(self, version=1, updated_at=now)
        return replace(self, version=old.version + 1, updated_at=now, last_run_at=old.last_run_at)

    def check(self) -> None:
        """Raises InvalidInput where key, name or limit make no sense."""
        if not KEY.fullmatch(self.key):
            message = "a key has 1 to 64 small letters, digits, _ or -, and starts with a letter or a digit"
            raise InvalidInput(message, field=("key",))
        if not 0 < len(self.name) <= MAX_NAME:
            raise InvalidInput(f"a name has 1 to {MAX_NAME} characters", field=("name",))
        if not whole(self.most, 1, MAX_AT_ONCE):
            raise InvalidInput(f"must be a whole number, 1 to {MAX_AT_ONCE}", field=("most",))

    def due(self, now: datetime) -> bool:
        """Whether a daily run is to be begun."""
        return self.daily and (self.last_run_at is None or now >= parse_time(self.last_run_at) + EVERY)
