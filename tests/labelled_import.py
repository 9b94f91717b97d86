"""Labelled people, imported and judged: through ingestion and the log, as the consumer resolves them."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from graph.customers import Customers
from oneid.bootstrap import Services, proposal_search
from oneid.domain.identifiers import Identifier
from oneid.domain.proposals import ProposalRequest
from oneid.domain.rules import RulesChange, TypeChange
from tests.labelled_people import Quality, Record, quality
from tests.pipeline import Pipeline
from tests.reference import Key, components

DOCS = Path(__file__).parents[1] / "docs" / "identity.md"
SLICE = 500
RULES = RulesChange(types=(TypeChange("record", limit=0), TypeChange("soc_sec_id", priority=12, limit=1)))


class People:
    """Records on their way through a pipeline."""

    def __init__(self, pipeline: Pipeline, services: Services, found: Sequence[Record]) -> None:
        self.pipeline = pipeline
        self.services = services
        self.records = found

    async def send(self, *identifiers: str) -> None:
        await self.services.identity.update_rules(RULES)
        for start in range(0, len(self.records), SLICE):
            items = [record.message(*identifiers) for record in self.records[start : start + SLICE]]
            results = await self.services.ingestion.accept(items, source="febrl")
            assert [result.errors for result in results] == [()] * len(items)
        done = await self.pipeline.drain(count=1)
        assert [received.failure for received in done] == [None] * len(self.records)

    async def quality(self) -> Quality:
        return quality(self.records, await self.customer_of())

    async def customer_of(self) -> dict[str, str]:
        """Record to customer."""
        customers, customer_of = Customers(self.pipeline.stores.graph), dict[str, str]()
        for start in range(0, len(self.records), SLICE):
            asked = [Identifier("record", record.id) for record in self.records[start : start + SLICE]]
            found = await customers.by_identifiers(asked)
            customer_of.update({asked.value: record.one_id for asked, record in found.items()})
        return customer_of

    async def propose(self) -> int:
        async def progress(done: int) -> None:
            assert 0 < done <= len(self.records)

        found = await proposal_search(self.pipeline.stores).run(ProposalRequest(), progress)
        assert found.proposals == await self.services.proposals.count()
        return found.proposals

    async def accept_all(self) -> int:
        """Accepts proposals until there are none; how many were accepted."""
        accepted = 0
        while page := await self.services.proposals.page(1, None):
            await self.services.proposals.accept(page[0].id, "looks right")
            accepted += 1
        return accepted

    async def proposed_quality(self) -> Quality:
        """The quality if every open proposal were accepted."""
        customer_of, pairs = await self.customer_of(), list[tuple[Key, Key]]()
        after: tuple[float, str] | None = None
        while page := await self.services.proposals.page(SLICE, after):
            pairs += [(("", one), ("", other)) for one, other in (found.one_ids for found in page)]
            after = page[-1].weight, page[-1].id
        merged = {key: min(group)[1] for group in components(pairs) for _, key in group}
        return quality(self.records, {id_: merged.get(one, one) for id_, one in customer_of.items()})


def documented(name: str, found: Quality) -> bool:
    """Whether the document's table says so, to the third digit: what a model learns from a sample varies."""
    (row,) = [line for line in DOCS.read_text().splitlines() if line.startswith(f"| {name} |")]
    figures = [float(cell) for cell in row.strip("| ").split("|")[1:]]
    return figures == pytest.approx([found.precision, found.recall, found.f1], abs=0.0015)
