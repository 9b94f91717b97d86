"""API keys in the graph."""

from collections.abc import Collection
from typing import Final

from graph.client import Graph, Row
from oneid.domain.keys import ApiKey, KeyKind

GET: Final = "MATCH (k:ApiKey {id: $id}) RETURN k {.*} AS key"

LIST: Final = "MATCH (k:ApiKey) RETURN k {.*} AS key ORDER BY k.createdAt, k.id"

# MERGE, so that ensuring a fixed key again changes nothing, not even from two processes at once. One that was
# replaced is back; one that was revoked stays revoked.
PUT: Final = """
MERGE (k:ApiKey {id: $id})
ON CREATE SET k.kind = $kind, k.name = $name, k.hash = $hash, k.scopes = $scopes,
              k.createdAt = $createdAt, k.expiresAt = $expiresAt
REMOVE k.replacedAt
"""

REPLACE: Final = """
MATCH (k:ApiKey) WHERE k.name IN $names AND NOT k.id IN $kept AND k.replacedAt IS NULL
SET k.replacedAt = $at
"""

REVOKE: Final = """
MATCH (k:ApiKey {id: $id})
SET k.revokedAt = coalesce(k.revokedAt, $at)
RETURN k {.*} AS key
"""

TOUCH: Final = """
MATCH (k:ApiKey {id: $id}) WHERE k.lastUsedAt IS NULL OR k.lastUsedAt < $at
SET k.lastUsedAt = $at
"""


class ApiKeys:
    """The stored keys. None holds its text, only a hash of it."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def get(self, key_id: str) -> ApiKey | None:
        rows = await self._graph.read("keys.get", GET, id=key_id)
        return _record(rows[0]) if rows else None

    async def list(self) -> list[ApiKey]:
        """All keys, oldest first, revoked ones too."""
        return [_record(row) for row in await self._graph.read("keys.list", LIST)]

    async def put(self, key: ApiKey) -> None:
        """Stores a new key; one that is there already stays as it is, but is not replaced any more."""
        await self._graph.write(
            "keys.put",
            PUT,
            id=key.id,
            kind=key.kind.value,
            name=key.name,
            hash=key.hash,
            scopes=sorted(key.scopes),
            createdAt=key.created_at,
            expiresAt=key.expires_at,
        )

    async def revoke(self, key_id: str, at: str) -> ApiKey | None:
        """Revokes for good; the first revocation's time stays. None if nothing has this id."""
        rows = await self._graph.write("keys.revoke", REVOKE, id=key_id, at=at)
        return _record(rows[0]) if rows else None

    async def replace(self, names: Collection[str], kept: Collection[str], at: str) -> None:
        """Ends all keys of these names but those of the ids in `kept`; `put` brings one back."""
        await self._graph.write("keys.replace", REPLACE, names=[*names], kept=[*kept], at=at)

    async def touch(self, key_id: str, at: str) -> None:
        """Records that the key was used at `at`."""
        await self._graph.write("keys.touch", TOUCH, id=key_id, at=at)


def _record(row: Row) -> ApiKey:
    key = row["key"]
    return ApiKey(
        id=key["id"],
        kind=KeyKind(key["kind"]),
        name=key["name"],
        hash=key["hash"],
        scopes=frozenset(key["scopes"]),
        created_at=key["createdAt"],
        expires_at=key.get("expiresAt"),
        revoked_at=key.get("revokedAt") or key.get("replacedAt"),
        last_used_at=key.get("lastUsedAt"),
    )
