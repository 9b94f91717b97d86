"""What a rule would find, before it is saved.

What is kept of every customer's events is asked of the profiles. A condition that nobody has asked before is
counted from the events for this once (`counting`), where the index can, and nothing is written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from graph.customers import Customers
from oneid.clock import monotonic
from oneid.domain.customers import CustomerRecord
from oneid.domain.segments.parsing import Path
from oneid.domain.segments.rules import All, AnyOf, Not, Rule
from oneid.errors import TooLarge
from oneid.services.counting import CountingService

MAX_SAMPLE: Final = 100


@dataclass(frozen=True, slots=True)
class Preview:
    """How many a rule is true for, some of them, how many for each node by its path, and the time it took."""

    count: int
    sample: Sequence[CustomerRecord]
    counts: Mapping[tuple[str, ...], int]
    took_ms: int


class PreviewService:
    """Says who rules that are not saved are true for."""

    def __init__(self, counting: CountingService, customers: Customers) -> None:
        self._counting = counting
        self._customers = customers

    async def preview(self, rule: Rule, sample: int, path: Path = ("rule",)) -> Preview:
        """What a rule would find. Raises TooLarge and Retriable."""
        if not 0 <= sample <= MAX_SAMPLE:
            raise TooLarge(f"a sample has 0 to {MAX_SAMPLE} customers", field=("sample",))
        start = monotonic()
        counting = await self._counting.of(rule)
        parts = {"/".join(place): part for place, part in parts_of(rule, path)}
        counts = await counting.counts(parts)
        people = await self._people(await counting.sample(rule, sample)) if sample else []
        told = {tuple(place.split("/")): count for place, count in counts.items()}
        return Preview(told[path], people, told, round((monotonic() - start) * 1000))

    async def _people(self, one_ids: Sequence[str]) -> list[CustomerRecord]:
        found = await self._customers.by_one_ids(list(one_ids))
        return [record for one_id in one_ids if (record := found.get(one_id)) and record.one_id == one_id]


def parts_of(rule: Rule, path: Path) -> list[tuple[Path, Rule]]:
    """Every node of a rule as it was written, with its path; not those within other segments."""
    found: list[tuple[Path, Rule]] = [(path, rule)]
    match rule:
        case All(rules) | AnyOf(rules):
            kind = "all" if isinstance(rule, All) else "any"
            for number, below in enumerate(rules):
                found += parts_of(below, (*path, kind, str(number)))
        case Not(below):
            found += parts_of(below, (*path, "not"))
        case _:
            pass
    return found
