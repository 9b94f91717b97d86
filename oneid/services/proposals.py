"""Proposing merges, offline, and deciding on them. Nothing is merged until a person accepts it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from graph.proposals import FIRST, Proposals
from oneid.clock import Clock
from oneid.domain.matching import Comparison, MatchField, comparable
from oneid.domain.messages import format_time
from oneid.domain.proposals import MergeProposal, ProposalRequest
from oneid.errors import NotFound
from oneid.linkage.people import People, find_duplicates
from oneid.services.operation_run import Run
from oneid.services.stewardship import StewardshipService

READ_SLICE: Final = 5_000
WRITE_SLICE: Final = 1_000
KIND: Final = "proposeMerges"
"""The kind of the operation."""

Progress = Callable[[int], Awaitable[None]]
"""Hears how many customers were looked at so far; raises what should end the search."""


@dataclass(frozen=True, slots=True)
class Search:
    """What came of a search: customers compared, proposals written."""

    customers: int
    proposals: int


class ProposalSearch:
    """Looks for customers that are probably one person."""

    def __init__(self, proposals: Proposals, clock: Clock) -> None:
        self._proposals = proposals
        self._clock = clock

    async def run(self, request: ProposalRequest, progress: Progress) -> Search:
        """Compares all customers and replaces the open proposals by what it finds. May be run again at any time.

        Memory: the compared values of all customers. Raises InvalidInput, Conflict (Splink is not installed).
        """
        request.check()
        people = await self._read(request, progress)
        found = await asyncio.to_thread(find_duplicates, people, request.min_probability)
        run, at, written = uuid4().hex, format_time(self._clock.now()), 0
        for start in range(0, len(found), WRITE_SLICE):
            written += await self._proposals.propose(found[start : start + WRITE_SLICE], run, at)
            await progress(len(people.one_ids))
        await self._proposals.drop_others(run)
        return Search(len(people.one_ids), written)

    async def _read(self, request: ProposalRequest, progress: Progress) -> People:
        people = People([], {field: [] for field in request.fields})
        after = ""
        while page := await self._proposals.people(after, READ_SLICE):
            for one_id, attributes in page:
                people.one_ids.append(one_id)
                for field, values in people.values.items():
                    values.append(comparable(attributes, field))
            after = page[-1][0]
            await progress(len(people.one_ids))
        return people

    async def handle(self, run: Run) -> dict[str, Any]:
        """The search as an operation."""
        found = await self.run(request_of(run.input), lambda done: run.progress(done))
        return {"customers": found.customers, "proposals": found.proposals}


def input_of(request: ProposalRequest) -> dict[str, Any]:
    """A request as an operation keeps it."""
    fields = [[field.attribute, field.comparison.value] for field in request.fields]
    return {"fields": fields, "minProbability": request.min_probability}


def request_of(stored: dict[str, Any]) -> ProposalRequest:
    fields = tuple(MatchField(attribute, Comparison(how)) for attribute, how in stored["fields"])
    return ProposalRequest(fields, stored["minProbability"])


class ProposalReview:
    """What an operator does with proposals."""

    def __init__(self, proposals: Proposals, stewardship: StewardshipService, clock: Clock) -> None:
        self._proposals = proposals
        self._stewardship = stewardship
        self._clock = clock

    async def page(self, first: int, after: tuple[float, str] | None) -> list[MergeProposal]:
        """Open proposals, the surest first."""
        return await self._proposals.page(first, after or FIRST)

    async def count(self) -> int:
        return await self._proposals.count()

    async def named(self, ids: Sequence[str]) -> list[MergeProposal | None]:
        """Proposals in the order asked, None where there is none."""
        return await self._proposals.named(ids)

    async def accept(self, id_: str, reason: str | None) -> str:
        """Merges the proposal's customers as an operator does; returns the ONE-ID of the oldest, which stays.
        Raises NotFound."""
        proposal = await self._proposals.get(id_)
        if proposal is None:
            raise NotFound("there is no such proposal", field=("id",))
        into, *others = proposal.one_ids
        why = f"merge proposal {id_}" + (f": {reason}" if reason else "")
        return await self._stewardship.merge(into, others, why)

    async def reject(self, id_: str, reason: str | None) -> None:
        """Its customers stay two and are not proposed again. Raises NotFound."""
        if not await self._proposals.reject(id_, reason, format_time(self._clock.now())):
            raise NotFound("there is no such proposal", field=("id",))
