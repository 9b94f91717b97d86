"""Long-running work that somebody asked for, and that outlives the process it runs in."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final


class OperationStatus(StrEnum):
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


UNFINISHED: Final = frozenset({OperationStatus.QUEUED, OperationStatus.RUNNING})


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: items done, items in all where that is known, items that went wrong."""

    done: int = 0
    total: int | None = None
    errors: int = 0


@dataclass(frozen=True, slots=True)
class ResultFile:
    """A result too large for an answer: kept in `chunks` pieces under the run that wrote it."""

    name: str
    media_type: str
    chunks: int
    run: str


@dataclass(frozen=True, slots=True)
class Operation:
    """Times are RFC 3339 (`messages.format_time`). `scope`: what a key needs to see it; `actor`: the id of the key that
    started it, empty if it was none. `attempts`: how often
    it was begun since it last got further than ever before."""

    id: str
    kind: str
    status: OperationStatus
    scope: str
    created_at: str
    input: dict[str, Any] = field(default_factory=dict[str, Any])
    progress: Progress = Progress()
    started_at: str | None = None
    finished_at: str | None = None
    result: dict[str, Any] | None = None
    error: str | None = None
    file: ResultFile | None = None
    attempts: int = 0
    cancel_asked: bool = False
    actor: str = ""

    @property
    def finished(self) -> bool:
        return self.status not in UNFINISHED

    @property
    def result_url(self) -> str | None:
        """The path at which the API serves the file, None without one."""
        return f"/operations/{self.id}/result" if self.file else None
