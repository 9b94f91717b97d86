"""Consents: what customers allowed and took back, for each channel and purpose."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeAlias
from uuid import uuid4

import orjson

from oneid.domain.messages import format_time, parse_time
from oneid.errors import InvalidInput, LimitExceeded, TooLarge

KEY: Final = re.compile(r"[a-z0-9_]{1,40}")
ALL_CHANNELS: Final = "all"
MAX_CONSENTS: Final = 100
MAX_EVIDENCE: Final = 4_000
MAX_SOURCE: Final = 200
MILLISECOND: Final = timedelta(milliseconds=1)


Pair: TypeAlias = tuple[str, str]
"""A channel and a purpose."""


class ConsentState(StrEnum):
    """What a customer said. Their alphabetical order decides: of two said at once the withdrawal counts."""

    GRANTED = "GRANTED"
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True, slots=True)
class Consent:
    """What was said of a channel and a purpose, and when (RFC 3339)."""

    channel: str
    purpose: str
    at: str
    state: ConsentState
    id: str

    @property
    def pair(self) -> Pair:
        return self.channel, self.purpose


@dataclass(frozen=True, slots=True)
class ConsentChange:
    """A consent as it was set. `source`: who set it; `evidence`: how it was given, any JSON."""

    consent: Consent
    source: str
    evidence: Any = None


@dataclass(frozen=True, slots=True)
class ConsentHistory:
    """What was ever set for a channel and a purpose, the newest first, at least one. `effective`: what counts, which
    may have been said later of all channels."""

    changes: tuple[ConsentChange, ...]
    effective: ConsentState

    @property
    def pair(self) -> Pair:
        return self.changes[0].consent.pair


@dataclass(frozen=True, slots=True)
class Statement:
    """What is to be set, checked and normalised (`statement`)."""

    channel: str
    purpose: str
    state: ConsentState
    source: str
    evidence: Any = None

    @property
    def pair(self) -> Pair:
        return self.channel, self.purpose


def statement(channel: str, purpose: str, state: ConsentState, source: str, evidence: Any) -> Statement:
    """Raises InvalidInput and TooLarge with the field at fault."""
    if not 0 < len(source) <= MAX_SOURCE:
        raise InvalidInput(f"must be a text of 1 to {MAX_SOURCE} characters", field=("source",))
    try:
        size = len(orjson.dumps(evidence))
    except TypeError as error:
        raise InvalidInput(f"can't be kept as JSON: {error}", field=("evidence",)) from None
    if size > MAX_EVIDENCE:
        raise TooLarge(f"evidence has at most {MAX_EVIDENCE} bytes as JSON", field=("evidence",))
    return Statement(key_of(channel, ("channel",)), key_of(purpose, ("purpose",)), state, source, evidence)


def key_of(written: Any, field: tuple[str, ...]) -> str:
    """A channel or a purpose as it is kept, in small letters. Raises InvalidInput."""
    if not isinstance(written, str) or not KEY.fullmatch(written.lower()):
        raise InvalidInput("must have 1 to 40 letters, digits or _", field=field)
    return written.lower()


def changed(held: Sequence[Consent], new: Statement, now: datetime) -> Consent | None:
    """The consent that a statement makes, None if it says what counts already. Raises LimitExceeded."""
    own = next((one for one in held if one.pair == new.pair), None)
    # A withdrawal is never refused.
    if own is None and new.state is ConsentState.GRANTED and len(held) >= MAX_CONSENTS:
        message = f"a customer has consents for at most {MAX_CONSENTS} pairs of channel and purpose"
        raise LimitExceeded(message, field=("channel",))
    if own and own.state is new.state and not contradicted(own, held):
        return None
    return Consent(new.channel, new.purpose, next_time(held, now), new.state, uuid4().hex)


def contradicted(own: Consent, held: Iterable[Consent]) -> bool:
    """Whether something else was said later of all channels, or, if this is of all, of one of them."""
    related = (
        one for one in held if one.purpose == own.purpose and ALL_CHANNELS in (own.channel, one.channel)
    )
    return any(rank(one) > rank(own) and one.state is not own.state for one in related)


def next_time(held: Iterable[Consent], now: datetime) -> str:
    """Now, but later than all that the customer said before: what is said last counts, also where the clocks of
    two servers differ."""
    last = max((one.at for one in held), default=None)
    return format_time(max(now, parse_time(last) + MILLISECOND) if last else now)


def with_new(held: Iterable[Consent], new: Consent) -> tuple[Consent, ...]:
    """With a consent in place of the one of its channel and purpose."""
    return (*(one for one in held if one.pair != new.pair), new)


def answer(channel: str, purpose: str, state: ConsentState) -> str:
    """A word of the index, such as email/marketing=GRANTED."""
    return f"{channel}/{purpose}={state}"


def answers(held: Iterable[Consent]) -> list[str]:
    """What counts for each pair of channel and purpose that was spoken of, in words of the index."""
    return sorted(answer(*pair, state) for pair, state in effective(held).items())


def effective(held: Iterable[Consent]) -> dict[Pair, ConsentState]:
    """What counts for each pair that was spoken of: what was said of it or of all channels, whichever was later."""
    told = {one.pair: one for one in held}
    general = {pair: told.get((ALL_CHANNELS, one.purpose), one) for pair, one in told.items()}
    return {pair: max(one, general[pair], key=rank).state for pair, one in told.items()}


def rank(consent: Consent) -> tuple[str, ConsentState, str]:
    """The highest rank counts: the newest, of the same time a withdrawal."""
    return consent.at, consent.state, consent.id


def to_stored(consent: Consent) -> str:
    """A text whose order is that of the rank: the greatest of a pair's texts is what counts."""
    return "|".join((consent.channel, consent.purpose, consent.at, consent.state, consent.id))


def from_stored(stored: str) -> Consent:
    channel, purpose, at, state, id_ = stored.split("|")
    return Consent(channel, purpose, at, ConsentState(state), id_)


def histories(changes: Iterable[ConsentChange]) -> list[ConsentHistory]:
    """What was ever set, in order of channel and purpose. A change may be told twice, with its evidence and
    without."""
    found: defaultdict[Pair, dict[Consent, ConsentChange]] = defaultdict(dict)
    for change in sorted(changes, key=lambda one: one.evidence is not None):
        found[change.consent.pair][change.consent] = change
    last = {pair: max(told, key=rank) for pair, told in found.items()}
    counts = effective(last.values())
    return [
        ConsentHistory(tuple(told[one] for one in sorted(told, key=rank, reverse=True)), counts[pair])
        for pair, told in sorted(found.items())
    ]
