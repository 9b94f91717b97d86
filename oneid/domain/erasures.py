"""Erasures: what is taken away, and the receipt that stays."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """All names of one person: every ONE-ID, the current one first, and every identifier key. `version`: of the
    customer."""

    one_ids: tuple[str, ...]
    keys: tuple[str, ...]
    version: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """The proof of an erasure. Times are RFC 3339; `hashes`: keyed hashes of the identifiers, by type
    ("email:hash"). `completed_at`: when nothing was left to be done, None before."""

    id: str
    erased_at: str
    suppressed: bool
    hashes: tuple[str, ...]
    completed_at: str | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """An erasure with work left outside of the graph's transaction.

    sequence: the moment of the erasure (`clock.sequence`). one_ids, version: of the customer. marks: where each
    partition of the log ended at the erasure, once noted. looked: the stores have been gone through once from end
    to end; from then on `keys`, the identifiers, are forgotten, and `redacted` are the messageIds of events of
    others that named the person.
    """

    id: str
    erased_at: str
    sequence: int
    version: int
    one_ids: tuple[str, ...]
    keys: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    redacted: tuple[str, ...] = ()
    looked: bool = False
