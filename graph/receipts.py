"""Receipts of erasures, by their id and by a ONE-ID of the person."""

from collections.abc import Sequence
from typing import Any, Final

from neo4j import AsyncManagedTransaction

from graph import tombstones
from graph.client import Graph
from oneid.domain.erasures import Receipt
from oneid.domain.tombstones import keyed_hash

GET: Final = "MATCH (e:Erasure {id: $id}) RETURN e {.*} AS erasure"

OF_ONE_ID: Final = "MATCH (former:ErasedOneId {hash: $hash}) RETURN former.receipt AS receipt"

ERASED: Final = "MATCH (former:ErasedOneId) WHERE former.hash IN $hashes RETURN former.hash AS hash"


class Receipts:
    """Reads receipts."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def get(self, id_: str) -> Receipt | None:
        """The receipt with this id."""
        rows = await self._graph.read("receipts.get", GET, id=id_)
        return _receipt(rows[0]["erasure"]) if rows else None

    async def of_one_id(self, one_id: str) -> str | None:
        """The id of the receipt for whoever had this ONE-ID, if they were erased."""

        async def work(tx: AsyncManagedTransaction) -> str | None:
            secret = await tombstones.secret(tx)
            row = await (await tx.run(OF_ONE_ID, hash=keyed_hash(secret, one_id))).single()
            return row["receipt"] if row else None

        return await self._graph.transact("receipts.of_one_id", work)

    async def erased(self, one_ids: Sequence[str]) -> set[str]:
        """Those of the ONE-IDs whose customers were erased."""

        async def work(tx: AsyncManagedTransaction) -> set[str]:
            secret = await tombstones.secret(tx)
            by_hash = {keyed_hash(secret, one_id): one_id for one_id in one_ids}
            found = await tx.run(ERASED, hashes=list(by_hash))
            return {by_hash[row["hash"]] async for row in found}

        return await self._graph.transact("receipts.erased", work)


def _receipt(stored: dict[str, Any]) -> Receipt:
    return Receipt(
        id=stored["id"],
        erased_at=stored["erasedAt"],
        suppressed=stored["suppressed"],
        hashes=tuple(stored["hashes"]),
        completed_at=stored.get("completedAt"),
    )
