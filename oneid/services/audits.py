"""The audit of data: coverage, reach, and what may be double."""

from collections.abc import Mapping
from typing import Any, Final

from graph.attribute_catalog import AttributeCatalog
from graph.proposals import Proposals
from graph.rules import RulesStore
from oneid.clock import Clock
from oneid.domain.audits import ANONYMOUS, CHANNELS, Counted, Coverage, DataAudit, Reach
from oneid.domain.catalog import Catalog
from oneid.domain.consents import ConsentState, key_of
from oneid.domain.customers import DataParty
from oneid.domain.messages import format_time
from oneid.domain.rules import IdentityRules
from oneid.domain.segments.rules import ConsentRule
from search.audits import Audits
from search.profiles import ProfileIndex
from search.segments.consents import consented

PERSONAL: Final = ("email", "phone")
"""Attributes whose values should be one person's."""


class AuditService:
    """Counts what is known of all customers."""

    def __init__(
        self,
        audits: Audits,
        profiles: ProfileIndex,
        catalog: AttributeCatalog,
        proposals: Proposals,
        rules: RulesStore,
        clock: Clock,
    ) -> None:
        self._audits = audits
        self._profiles = profiles
        self._catalog = catalog
        self._proposals = proposals
        self._rules = rules
        self._clock = clock

    async def audit(self, purpose: str) -> DataAudit:
        """The audit of now. `purpose`: of the consents that are asked. Raises InvalidInput."""
        purpose = key_of(purpose, ("purpose",))
        await self._profiles.refresh()
        asked = questions(purpose, await self._rules.current())
        found = await self._audits.customers(PERSONAL, asked)
        return DataAudit(
            at=format_time(self._clock.now()),
            customers=found.customers,
            identified=found.queries["identified"],
            events=await self._audits.events(),
            attributes=coverage(found, await self._catalog.current()),
            identifiers=dict(sorted(found.identifiers.items())),
            channels=tuple(reach(channel, found.queries) for channel in CHANNELS),
            sharing=tuple(found.sharing.values()),
            proposals=await self._proposals.count(),
        )


def questions(purpose: str, rules: IdentityRules) -> dict[str, dict[str, Any]]:
    """The queries that are counted, by name."""
    naming = [kind.type for kind in rules.types if kind.links and kind.type not in ANONYMOUS]
    asked: dict[str, dict[str, Any]] = {"identified": {"terms": {"identifierTypes": naming}}}
    for channel, types in CHANNELS.items():
        having = {"terms": {"identifierTypes": list(types)}}
        asked[channel] = having
        for state in ConsentState:
            said = consented(ConsentRule(channel, purpose, state))
            asked[f"{channel} {state}"] = {"bool": {"filter": [having, said]}}
    return asked


def reach(channel: str, counts: Mapping[str, int]) -> Reach:
    withdrawn, granted = (
        counts[f"{channel} {state}"] for state in (ConsentState.WITHDRAWN, ConsentState.GRANTED)
    )
    return Reach(channel, counts[channel], withdrawn, granted)


def coverage(found: Counted, catalog: Catalog) -> tuple[Coverage, ...]:
    """Every attribute that is declared or that somebody has, in order of their names."""
    return tuple(
        Coverage(
            key,
            found.attributes.get(key, 0),
            key in catalog.by_key,
            {party: found.parties.get(f"{key}={party.name}", 0) for party in DataParty},
        )
        for key in sorted({*catalog.by_key, *found.attributes})
    )
