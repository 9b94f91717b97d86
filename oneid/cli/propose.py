"""`oneid propose`: looks for customers that are probably one person. Merges nothing."""

import asyncio
from typing import Annotated

import typer

from oneid.bootstrap import open_stores, proposal_search
from oneid.cli.connection import connected_settings
from oneid.cli.output import errors_as_sentences, out
from oneid.domain.matching import Comparison, MatchField
from oneid.domain.proposals import ProposalRequest
from oneid.errors import InvalidInput
from oneid.services.proposals import Search

BASE = ProposalRequest()


def propose(
    field: Annotated[
        list[str] | None,
        typer.Option(help="attribute=name, text or code, once for each; the usual traits, if left out"),
    ] = None,
    min_probability: Annotated[
        float, typer.Option(help="how sure a proposal must be: 0.5 to 1")
    ] = BASE.min_probability,
) -> None:
    """Propose merges of customers that look like one person, for somebody to accept or reject.

    Replaces the proposals that nobody has decided. Needs the extra `proposals`, which brings Splink.
    """
    with errors_as_sentences():
        fields = [parse_field(text) for text in field] if field else BASE.fields
        found = asyncio.run(_propose(ProposalRequest(fields, min_probability)))
        out.print(f"{found.customers:,} customers compared")
        out.print(
            f"{found.proposals:,} merges proposed: decide with acceptMergeProposal, rejectMergeProposal"
        )


def parse_field(text: str) -> MatchField:
    """birthday=code. Raises InvalidInput."""
    attribute, _, how = text.partition("=")
    if how.upper() not in Comparison.__members__:
        raise InvalidInput(f"{text!r} is no field: write birthday=code", field=("field",))
    return MatchField(attribute.strip(), Comparison[how.upper()])


async def _propose(request: ProposalRequest) -> Search:
    async with open_stores(connected_settings()) as stores:
        return await proposal_search(stores).run(request, _silently)


async def _silently(_: int) -> None:
    """Nobody watches."""
