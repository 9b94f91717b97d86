"""The services that resolvers call."""

from dataclasses import dataclass

from graph.decision_pages import DecisionPages
from graph.decisions import DecisionLog
from oneid.log.dead_letters import DeadLetters
from oneid.services.changes import ChangeFeed
from oneid.services.clock import ClockService
from oneid.services.customers import CustomerService
from oneid.services.identity import IdentityService
from oneid.services.ingestion import IngestionService
from oneid.services.keys import KeyService
from oneid.services.totals import EventTotals
from oneid.services.upserts import UpsertService
from oneid.settings import Settings
from search.event_pages import EventPages
from search.events import EventIndex


@dataclass(frozen=True, slots=True)
class Services:
    """One of each, shared by all requests of a process."""

    settings: Settings
    keys: KeyService
    ingestion: IngestionService
    customers: CustomerService
    identity: IdentityService
    upserts: UpsertService
    decisions: DecisionLog
    decision_pages: DecisionPages
    events: EventIndex
    event_pages: EventPages
    totals: EventTotals
    dead_letters: DeadLetters
    clock: ClockService
    changes: ChangeFeed
