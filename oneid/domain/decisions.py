"""Identity decisions: the evidence of how customers came to be."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from oneid.domain.identifiers import Identifier


class DecisionKind(StrEnum):
    CREATED = "CREATED"
    ADDED = "ADDED"
    DEMOTED = "DEMOTED"
    BLOCKED = "BLOCKED"
    CAPPED = "CAPPED"
    REFUSED = "REFUSED"
    MERGED = "MERGED"
    UNLINKED = "UNLINKED"
    TRANSFERRED = "TRANSFERRED"
    SPLIT = "SPLIT"
    ERASED = "ERASED"


LEFT_OUT: Final = frozenset({DecisionKind.DEMOTED, DecisionKind.BLOCKED, DecisionKind.REFUSED})
"""These join nothing. What they kept, the customer has by other evidence."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One entry of the audit log. `at` is when the message was received (RFC 3339); `sequence` orders by processing.
    `kept` are the identifiers that the message joined, known ones and new ones, or beside which others were left out;
    `dropped` those left out.
    `one_id` is "" where no customer was made. `manual` marks an operator's action, `direct` a direct write.
    `other_one_id` is the other customer that it is about: of a split the one that `dropped` went to (`kept` stayed;
    `sticky`: for good), of a transfer the one that the identifiers were taken from.
    `sides`: of an operator's merge, what each of the customers held, the oldest link first.
    `content`: of evidence that is kept once, what it says, hashed."""

    id: str
    sequence: int
    kind: DecisionKind
    at: str
    message_id: str | None
    rule_version: int
    one_id: str
    merged_one_ids: tuple[str, ...] = ()
    kept: tuple[Identifier, ...] = ()
    dropped: tuple[Identifier, ...] = ()
    manual: bool = False
    reason: str | None = None
    other_one_id: str | None = None
    sticky: bool = False
    direct: bool = False
    sides: tuple[tuple[Identifier, ...], ...] = ()
    content: str | None = None
