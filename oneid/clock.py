"""The only module that reads the system clock."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What services ask for the time."""

    def now(self) -> datetime:
        """The current business time, aware, in UTC."""
        ...


class SystemClock:
    """System time plus an offset, which a sandbox moves and a live deployment leaves at zero."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self.offset = offset

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset


def sequence() -> int:
    """Nanoseconds of the system clock: orders what happened, whatever the business time says."""
    return time.time_ns()


def monotonic() -> float:
    """Seconds that never go back, for deadlines and durations."""
    return time.monotonic()
