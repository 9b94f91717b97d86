"""Memberships of households as the log tells them under today's rules."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from neo4j import AsyncManagedTransaction

from graph import households, identity, pauses, tombstones
from graph.client import Graph
from oneid.clock import sequence
from oneid.domain.households import Membership, differences, memberships
from oneid.domain.ids import one_id
from oneid.domain.retelling import Retelling
from oneid.domain.workspace import Workspace
from oneid.errors import Retriable

SLICE: Final = 500

Difference = tuple[list[Membership], list[Membership]]
"""Memberships to make, and to end."""


class Rehousing:
    """Compares memberships with the log, and writes what is different."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def compare(self, retelling: Retelling, owners: Mapping[str, str]) -> Difference:
        """`owners`: the ONE-ID of each group of the retelling. Memory: every membership."""
        told = memberships(retelling.sightings(owners))
        held = [member async for page in households.every(self._graph) for member in page]
        return differences(told, held, retelling.rules, retelling.told)

    async def write(self, difference: Difference, retelling: Retelling, holder: str) -> None:
        """Some at a time. Raises Retriable if the pause is over, or somebody was erased since the log was read."""
        missing, surplus = difference
        for members in sliced(surplus):
            await self._transact(retelling, holder, surplus=members)
        for members in sliced(missing):
            await self._transact(retelling, holder, missing=members)

    async def _transact(
        self,
        retelling: Retelling,
        holder: str,
        *,
        missing: Sequence[Membership] = (),
        surplus: Sequence[Membership] = (),
    ) -> None:
        async def work(tx: AsyncManagedTransaction) -> None:
            if not await pauses.stands(tx, holder, sequence()):
                raise Retriable("resolution is no longer paused")
            if await tombstones.current_version(tx) != retelling.erasures:
                raise Retriable("somebody was erased meanwhile")
            await households.forget(tx, surplus)
            await households.restore(tx, await followed(tx, missing))

        await self._graph.transact("households.rehouse", work)


async def followed(tx: AsyncManagedTransaction, members: Sequence[Membership]) -> list[Membership]:
    """Under the ONE-IDs of now: an operator may have merged some since. They stay until the transaction ends."""
    asked = {member.place[2] for member in members}
    await identity.load_customers(tx, asked, Workspace(lambda: one_id(sequence())))
    current = await identity.survivors(tx, asked)
    return [
        replace(member, place=(*member.place[:2], current[member.place[2]]))
        for member in members
        if member.place[2] in current
    ]


def sliced(members: Sequence[Membership]) -> list[Sequence[Membership]]:
    return [members[low : low + SLICE] for low in range(0, len(members), SLICE)]
