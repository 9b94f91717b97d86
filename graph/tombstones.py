"""Tombstones in Neo4j: one (:Tombstone) a hash, and one (:Tombstones) with the secret and the newest version.

The version is the moment (`clock.sequence`) of the change, so that it is another one also after a restore.
"""

import secrets
from collections.abc import Sequence
from typing import Any, Final

from neo4j import AsyncManagedTransaction

from oneid.clock import sequence
from oneid.domain.tombstones import Tombstone, Tombstones

LOCK: Final = """
MERGE (book:Tombstones {id: 'current'})
ON CREATE SET book.secret = $secret, book.version = 0
SET book.lock = $lock
"""

VERSION: Final = "OPTIONAL MATCH (book:Tombstones {id: 'current'}) RETURN book.version AS version"

SINCE: Final = """
MATCH (book:Tombstones {id: 'current'})
OPTIONAL MATCH (t:Tombstone) WHERE t.version > $known
RETURN book.version AS version, book.secret AS secret,
       collect([t.hash, t.erasedAt, t.suppressed]) AS stones
"""

PUT: Final = """
MATCH (book:Tombstones {id: 'current'}) SET book.version = $version
WITH book UNWIND $hashes AS hash
MERGE (t:Tombstone {hash: hash})
ON CREATE SET t.suppressed = false
SET t.version = $version, t.erasedAt = $at, t.suppressed = t.suppressed OR $suppress
"""

LIFT: Final = """
MATCH (t:Tombstone {hash: $hash}) WHERE t.suppressed
MATCH (book:Tombstones {id: 'current'})
SET t.suppressed = false, t.version = $version, book.version = $version
RETURN t.hash AS hash
"""

SECRET: Final = "MATCH (book:Tombstones {id: 'current'}) RETURN book.secret AS secret"


async def lock(tx: AsyncManagedTransaction) -> None:
    """Lets one erasure follow another."""
    await (await tx.run(LOCK, secret=secrets.token_hex(32), lock=sequence())).consume()


async def current_version(tx: AsyncManagedTransaction) -> int:
    """The version of the tombstones, 0 where there are none."""
    row = await (await tx.run(VERSION)).single(strict=True)
    return int(row["version"] or 0)


async def refresh(tx: AsyncManagedTransaction, book: Tombstones, version: int) -> None:
    """Brings the book to a version: reads what is new, or everything after a restore."""
    if book.version == version:
        return
    known = book.version if book.version < version else 0
    row = await (await tx.run(SINCE, known=known)).single()
    if known == 0:
        book.by_hash.clear()
    if row is None:
        book.version, book.secret = 0, b""
        return
    stones: Sequence[tuple[Any, Any, Any]] = row["stones"]
    book.version, book.secret = row["version"], bytes.fromhex(row["secret"])
    book.by_hash.update((hash_, Tombstone(at, suppressed)) for hash_, at, suppressed in stones if hash_)


async def load(tx: AsyncManagedTransaction, book: Tombstones) -> None:
    """Brings the book to the current version."""
    await refresh(tx, book, await current_version(tx))


async def put(tx: AsyncManagedTransaction, hashes: Sequence[str], *, at: str, suppress: bool) -> None:
    """Sets tombstones. What is suppressed already stays so."""
    result = await tx.run(PUT, hashes=sorted(hashes), version=sequence(), at=at, suppress=suppress)
    await result.consume()


async def lift(tx: AsyncManagedTransaction, hash_: str) -> bool:
    """Ends a suppression. False if there was none."""
    return await (await tx.run(LIFT, hash=hash_, version=sequence())).single() is not None


async def secret(tx: AsyncManagedTransaction) -> bytes:
    """The key of the hashes; empty where nobody was ever erased."""
    row = await (await tx.run(SECRET)).single()
    return bytes.fromhex(row["secret"]) if row else b""
