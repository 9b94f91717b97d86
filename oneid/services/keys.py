"""API keys: who is calling, and the life of a key."""

import asyncio
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from graph.keys import ApiKeys
from oneid.clock import Clock, monotonic
from oneid.domain.keys import (
    SCOPES,
    WRITE_SCOPES,
    Actor,
    ApiKey,
    KeyKind,
    Mode,
    generate,
    hash_key,
    is_generated,
    key_id,
    matches,
)
from oneid.domain.messages import format_time, parse_time
from oneid.domain.throttle import TokenBucket
from oneid.errors import InvalidInput, NotFound, Required, Retriable, Throttled, Unauthenticated

FRESH_SECONDS: Final = 1.0
STALE_SECONDS: Final = 2.0
"""A known key is answered from memory while it is read again, so that no request waits for the graph; after
STALE_SECONDS nothing is answered unread. This bounds how long a revoked key lives on."""

OUTAGE_SECONDS: Final = 600.0
"""How long a write key that was valid stays so while the graph cannot be asked: events go to the log, which
does not need the graph, and nobody can revoke a key meanwhile."""

ALLOWED_SCOPES: Final[dict[KeyKind, frozenset[str]]] = {
    KeyKind.SECRET: SCOPES,
    KeyKind.WRITE: WRITE_SCOPES,
    KeyKind.PUBLISHABLE: frozenset(),
}
LOOKUP_DEADLINE_SECONDS: Final = 2.0
TOUCH_EVERY: Final = timedelta(minutes=1)
MOST_UNKNOWN: Final = 10_000


@dataclass(slots=True)
class _Known:
    key: ApiKey | None
    actor: Actor
    expires: datetime | None
    loaded_at: float


@dataclass(frozen=True, slots=True)
class _Lookup:
    """A read of a key that is under way, and since when."""

    task: "asyncio.Task[_Known]"
    began: float


class KeyService:
    """Authenticates keys from a short-lived memory and keeps them in the graph."""

    def __init__(self, keys: ApiKeys, clock: Clock, mode: Mode, *, lookups_per_second: float = 100) -> None:
        self._keys = keys
        self._clock = clock
        self._mode: Mode = mode
        self._known: dict[str, _Known] = {}
        self._unknown: dict[str, _Known] = {}
        self._loading: dict[str, _Lookup] = {}
        self._silent_at = -math.inf
        self._touching: set[asyncio.Task[None]] = set()
        self._strangers = TokenBucket(rate=lookups_per_second, burst=2 * lookups_per_second)

    async def authenticate_secret(self, text: str) -> Actor:
        """The actor of a secret key. Raises Unauthenticated, Throttled, Retriable."""
        return await self._authenticate(text, KeyKind.SECRET)

    async def authenticate_write(self, text: str) -> Actor:
        """The actor of a write key. Raises Unauthenticated, Throttled, Retriable."""
        return await self._authenticate(text, KeyKind.WRITE)

    async def create(
        self, name: str, kind: KeyKind, scopes: Collection[str] = (), expires: timedelta | None = None
    ) -> str:
        """Makes a key and returns its text, this once. Write keys have their one scope by themselves."""
        text = generate(kind, self._mode)
        await self._store(text, name, kind, scopes, expires)
        return text

    async def ensure(self, text: str, name: str, kind: KeyKind, scopes: Collection[str] = ()) -> None:
        """Makes a fixed key known, again and again without effect. Any text will do."""
        await self._store(text, name, kind, scopes, None)
        for memory in (self._known, self._unknown):
            memory.pop(hash_key(text), None)

    async def replace(self, names: Collection[str], texts: Collection[str]) -> None:
        """Ends the keys of these names that are not among `texts`, in every process within STALE_SECONDS, until
        `ensure` makes one known again."""
        kept = [key_id(text) for text in texts]
        await self._keys.replace(names, kept, format_time(self._clock.now()))
        self._known.clear()

    async def list(self) -> list[ApiKey]:
        """All keys, oldest first, revoked and expired ones too."""
        return await self._keys.list()

    async def revoke(self, identifier: str) -> ApiKey:
        """Revokes for good, in every process within STALE_SECONDS. Raises NotFound."""
        key = await self._keys.revoke(identifier, format_time(self._clock.now()))
        if key is None:
            raise NotFound(f"no key has the id {identifier!r}", field=("id",))
        self._known.pop(key.hash, None)
        return key

    async def close(self) -> None:
        """Gives what runs in the background a moment to finish: without the graph it would try for long."""
        tasks = {*(lookup.task for lookup in self._loading.values()), *self._touching}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=LOOKUP_DEADLINE_SECONDS)
            for task in late:
                task.cancel()

    async def _store(
        self, text: str, name: str, kind: KeyKind, scopes: Collection[str], expires: timedelta | None
    ) -> None:
        if not text.strip() or not name.strip():
            raise Required("a key needs a text and a name", field=("name",))
        now = self._clock.now()
        key = ApiKey(
            id=key_id(text),
            kind=kind,
            name=name.strip(),
            hash=hash_key(text),
            scopes=_scopes(kind, scopes),
            created_at=format_time(now),
            expires_at=format_time(now + expires) if expires else None,
        )
        await self._keys.put(key)

    async def _authenticate(self, text: str, kind: KeyKind) -> Actor:
        if self._mode == "live" and not is_generated(text, "live"):
            raise Unauthenticated("the key is not valid")
        text_hash = hash_key(text)
        known = self._known.get(text_hash) or self._unknown.get(text_hash)
        if known is None or monotonic() - known.loaded_at >= FRESH_SECONDS:
            known = await self._renewed(text, text_hash, known)
        key = known.key
        if key is None or key.kind is not kind or not self._is_valid(known):
            raise Unauthenticated("the key is not valid")
        return known.actor

    def _is_valid(self, known: _Known) -> bool:
        key = known.key
        if key is None or key.revoked_at is not None:
            return False
        return known.expires is None or self._clock.now() < known.expires

    async def _renewed(self, text: str, text_hash: str, known: _Known | None) -> _Known:
        if known is None or known.key is None:
            self._admit_stranger()
        lookup = self._load_once(text, text_hash)
        if known and monotonic() - known.loaded_at < STALE_SECONDS:
            return known
        if known and _outlives_outage(known) and self._is_silent(lookup):
            return known
        try:
            # Shielded: the others who wait for the same key must not fail because one caller went away.
            return await asyncio.wait_for(asyncio.shield(lookup.task), LOOKUP_DEADLINE_SECONDS)
        except (Retriable, TimeoutError) as error:
            if known and _outlives_outage(known):
                return known
            raise Retriable("the key cannot be checked right now") from error

    def _admit_stranger(self) -> None:
        """Keeps guesses of keys, new ones and the same again, from becoming load on the graph."""
        wait = self._strangers.take(monotonic())
        if wait > 0:
            raise Throttled("too many unknown keys", retry_after=wait)

    def _load_once(self, text: str, text_hash: str) -> _Lookup:
        """The one read of this key that is under way."""
        lookup = self._loading.get(text_hash)
        if lookup is None:
            task = asyncio.create_task(self._load(text, text_hash))
            lookup = self._loading[text_hash] = _Lookup(task, monotonic())
            task.add_done_callback(lambda done: self._loaded(text_hash, done))
        return lookup

    def _is_silent(self, lookup: _Lookup) -> bool:
        """Whether the graph was found silent just now: somebody has waited already, others need not."""
        now = monotonic()
        if now - lookup.began >= LOOKUP_DEADLINE_SECONDS:
            self._silent_at = now
        return now - self._silent_at < LOOKUP_DEADLINE_SECONDS

    def _loaded(self, text_hash: str, task: asyncio.Task[_Known]) -> None:
        self._loading.pop(text_hash, None)
        # A failed renewal in the background is tried again by the next request.
        if not task.cancelled() and task.exception():
            self._silent_at = monotonic()

    async def _load(self, text: str, text_hash: str) -> _Known:
        started = monotonic()
        key = await self._keys.get(key_id(text))
        if key is not None and not matches(text_hash, key.hash):
            key = None
        known = _known(key, started)
        self._remember(text_hash, known)
        if key is not None and self._is_valid(known):
            self._touch(key)
        return known

    def _remember(self, text_hash: str, known: _Known) -> None:
        """There are as many keys as were made, but as many guesses as anybody likes."""
        self._known.pop(text_hash, None)
        self._unknown.pop(text_hash, None)
        if known.key is not None:
            self._known[text_hash] = known
            return
        if len(self._unknown) >= MOST_UNKNOWN:
            self._unknown.clear()
        self._unknown[text_hash] = known

    def _touch(self, key: ApiKey) -> None:
        now = self._clock.now()
        if key.last_used_at and now - parse_time(key.last_used_at) < TOUCH_EVERY:
            return
        task = asyncio.create_task(self._keys.touch(key.id, format_time(now)))
        self._touching.add(task)
        task.add_done_callback(self._touched)

    def _touched(self, task: asyncio.Task[None]) -> None:
        self._touching.discard(task)
        if not task.cancelled():
            task.exception()  # the time of use is a hint: losing one must not fail anybody


def _known(key: ApiKey | None, loaded_at: float) -> _Known:
    if key is None:
        return _Known(None, Actor("", "", frozenset()), None, loaded_at)
    expires = parse_time(key.expires_at) if key.expires_at else None
    return _Known(key, Actor(key.id, key.name, key.scopes), expires, loaded_at)


def _outlives_outage(known: _Known) -> bool:
    is_write = known.key is not None and known.key.kind is KeyKind.WRITE
    return is_write and monotonic() - known.loaded_at < OUTAGE_SECONDS


def _scopes(kind: KeyKind, scopes: Iterable[str]) -> frozenset[str]:
    wanted = frozenset(scopes)
    foreign = wanted - ALLOWED_SCOPES[kind]
    if foreign:
        names = ", ".join(sorted(foreign))
        raise InvalidInput(f"a {kind} key cannot have: {names}", field=("scopes",))
    if kind is KeyKind.SECRET and not wanted:
        raise Required("a secret key needs at least one scope", field=("scopes",))
    return WRITE_SCOPES if kind is KeyKind.WRITE else wanted
