"""Consents: what customers allow and take back, what counts, and the proof of it."""

from collections.abc import Sequence

from graph.consents import Consents
from oneid.clock import Clock
from oneid.domain.consents import Consent, ConsentChange, ConsentHistory, Statement, changed, histories
from oneid.errors import NotFound
from oneid.services.projection import ProjectionService


class ConsentService:
    """Sets consents and tells them."""

    def __init__(self, consents: Consents, projection: ProjectionService, clock: Clock) -> None:
        self._consents = consents
        self._projection = projection
        self._clock = clock

    async def set(self, one_id: str, new: Statement) -> tuple[str, ConsentHistory]:
        """Keeps what a customer says, and returns the customer's ONE-ID and what was ever said of that channel and
        purpose. What counts already is not kept again. Searches and segments know it when this returns; it
        counts even where it then raises. Raises NotFound, LimitExceeded, Retriable."""

        def change(held: tuple[Consent, ...]) -> ConsentChange | None:
            consent = changed(held, new, self._clock.now())
            return ConsentChange(consent, new.source, new.evidence) if consent else None

        current = await self._consents.set(one_id, change)
        await self._projection.make_searchable([current])
        (told,) = await self.of([current])
        history = next((one for one in told if one.pair == new.pair), None)
        if history is None:
            raise NotFound("the customer was erased meanwhile", field=("customer",))
        return current, history

    async def of(self, one_ids: Sequence[str]) -> list[list[ConsentHistory]]:
        """For each customer, by its current ONE-ID, its consents in order of channel and purpose."""
        found = await self._consents.changes(one_ids)
        return [histories(found.get(one_id, ())) for one_id in one_ids]
