"""The journal of one message: its decisions, collected while it is resolved."""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from itertools import groupby
from typing import Final, NamedTuple

from oneid.domain.decisions import LEFT_OUT, Decision, DecisionKind
from oneid.domain.identifiers import Identifier
from oneid.domain.messages import Message, format_time

DIRECT: Final = "upsert"
"""The type of the messages that direct writes are made into; no client can send it."""

KEPT_ONCE: Final = frozenset(
    {DecisionKind.DEMOTED, DecisionKind.BLOCKED, DecisionKind.CAPPED, DecisionKind.REFUSED}
)


class Note(NamedTuple):
    """An entry before it has an id. `of`: the customer it is about, None: the one that the message belongs to;
    `other`: the other customer that it is about."""

    kind: DecisionKind
    kept: tuple[Identifier, ...]
    dropped: tuple[Identifier, ...]
    merged: tuple[str, ...]
    reason: str | None
    of: str | None
    other: str | None


class Journal:
    """Collects notes and closes them into decisions.

    A message that changed something keeps all its notes under its own id, and so does one that is nobody's: why
    must be found by its messageId. Another one that changed nothing leaves only what kept identifiers apart,
    once per content: a shared tablet's thousandth page view adds no entry. `series` tells the entries of one
    message apart where they are written at two times.
    """

    def __init__(
        self, message: Message, rule_version: int, next_sequence: Callable[[], int], series: str = ""
    ) -> None:
        self._message = message
        self._series = series
        self._rule_version = rule_version
        self._next_sequence = next_sequence
        self._notes: list[Note] = []
        self._changes = False

    def note(
        self,
        kind: DecisionKind,
        *,
        kept: Sequence[Identifier] = (),
        dropped: Sequence[Identifier] = (),
        merged: tuple[str, ...] = (),
        reason: str | None = None,
        of: str | None = None,
        other: str | None = None,
        changes: bool = False,
    ) -> None:
        """Adds one entry; `changes` says that the graph is different now."""
        self._changes = self._changes or changes
        self._notes.append(Note(kind, tuple(kept), tuple(dropped), merged, reason, of, other))

    def close(
        self,
        one_id: str | None,
        blocked: Sequence[tuple[Identifier, str]] = (),
        joined: Sequence[Identifier] = (),
    ) -> list[Decision]:
        """All entries, with their ids and the customer; one BLOCKED entry a reason. `joined`: what the message named
        that is the customer's, told beside what was left out."""
        for reason, group in groupby(sorted(blocked, key=lambda pair: pair[1]), key=lambda pair: pair[1]):
            self.note(DecisionKind.BLOCKED, dropped=[identifier for identifier, _ in group], reason=reason)
        notes = [n._replace(kept=tuple(joined)) if n.kind in LEFT_OUT else n for n in self._notes]
        return [self._finished(number, note, one_id or "") for number, note in enumerate(notes)]

    def _finished(self, number: int, note: Note, one_id: str) -> Decision:
        own = self._changes or not one_id
        content = content_id(one_id, note) if one_id and note.kind in KEPT_ONCE else None
        return Decision(
            id=f"{self._message.message_id}#{self._series}{number}" if own or not content else content,
            sequence=self._next_sequence(),
            kind=note.kind,
            at=format_time(self._message.received_at),
            message_id=self._message.message_id,
            rule_version=self._rule_version,
            one_id=one_id if note.of is None else note.of,
            merged_one_ids=note.merged,
            kept=note.kept,
            dropped=note.dropped,
            reason=note.reason,
            other_one_id=note.other,
            direct=self._message.type == DIRECT,
            content=content,
        )


def content_id(one_id: str, note: Note) -> str:
    """The same for every message that was kept apart in the same way."""
    content = "\n".join((one_id, note.kind, note.reason or "", *(i.key for i in note.dropped)))
    return f"{one_id}#{blake2b(content.encode(), digest_size=16).hexdigest()}"
