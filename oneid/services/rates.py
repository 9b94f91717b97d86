"""How much each key may ask: points that come back all the time, kept in Redis for all processes together.

A process takes points in advance, for a moment's worth of small operations, so that not each of them waits for a
round trip; what it has not used a second later is lost to the key. While Redis is away each process keeps buckets
of its own.
"""

import asyncio
from dataclasses import dataclass
from typing import Final, Protocol

from oneid.clock import monotonic
from oneid.domain.throttle import TokenBucket
from oneid.errors import Retriable, Throttled
from oneid.log.buckets import Grant

ADVANCE_SECONDS: Final = 0.01
"""How much of its rate a key is advanced at once."""

KEPT_SECONDS: Final = 1.0
PATIENCE: Final = 0.25
"""Seconds until Redis counts as away, and then it is left alone for AWAY_SECONDS."""

AWAY_SECONDS: Final = 1.0
KNOWN_KEYS: Final = 10_000


class Buckets(Protocol):
    """Buckets that all processes share."""

    async def take(self, name: str, least: float, most: float) -> Grant:
        """Takes up to `most`, or nothing where there is less than `least`. Raises Retriable."""
        ...


@dataclass(frozen=True, slots=True)
class Rate:
    """What a key may ask at most at once, what it may ask now, and the seconds until that is as much again."""

    limit: int
    remaining: int
    reset: int


@dataclass(slots=True)
class Advance:
    """Points that were taken and not used yet, until a monotonic time; `left`: in the bucket then."""

    points: float
    until: float
    left: float


class RateService:
    """Counts what keys ask. `rate`: points that come back a second; `burst`: the most that there are."""

    def __init__(self, buckets: Buckets, *, rate: float, burst: float) -> None:
        self._buckets = buckets
        self._rate = rate
        self._burst = burst
        self._advances: dict[str, Advance] = {}
        self._local: dict[str, TokenBucket] = {}
        self._away_until = float("-inf")

    async def take(self, key: str, points: int) -> Rate:
        """Takes points of a key; more than there ever are count as those. Raises Throttled with the seconds until
        there are enough."""
        wanted, now = min(points, self._burst), monotonic()
        advance = self._advances.get(key)
        if advance and advance.until > now and advance.points >= wanted:
            advance.points -= wanted
            return self._told(advance.left + advance.points)
        if now < self._away_until:
            return self._by_itself(key, wanted)
        try:
            async with asyncio.timeout(PATIENCE):
                grant = await self._buckets.take(key, wanted, max(wanted, self._rate * ADVANCE_SECONDS))
        except (Retriable, TimeoutError):
            self._away_until = monotonic() + AWAY_SECONDS
            return self._by_itself(key, wanted)
        return self._granted(key, wanted, grant, now + KEPT_SECONDS)

    def _granted(self, key: str, wanted: float, grant: Grant, until: float) -> Rate:
        if grant.granted < wanted:
            raise refusal((wanted - grant.left) / self._rate)
        if len(self._advances) >= KNOWN_KEYS:
            self._advances.clear()
        points = grant.granted - wanted + self._unused(key)
        self._advances[key] = Advance(points, until, grant.left)
        return self._told(grant.left + grant.granted - wanted)

    def _unused(self, key: str) -> float:
        """What others have taken in advance meanwhile."""
        advance = self._advances.get(key)
        return advance.points if advance and advance.until > monotonic() else 0.0

    def _by_itself(self, key: str, wanted: float) -> Rate:
        if len(self._local) >= KNOWN_KEYS:
            self._local.clear()
        bucket = self._local.setdefault(key, TokenBucket(rate=self._rate, burst=self._burst))
        if wait := bucket.take(monotonic(), wanted):
            raise refusal(wait)
        return self._told(bucket.left)

    def _told(self, left: float) -> Rate:
        return Rate(int(self._burst), max(0, int(left)), -int(-(self._burst - left) // self._rate))


def refusal(wait: float) -> Throttled:
    return Throttled("this key asks too much at once", retry_after=wait)
