from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from graph.attribute_catalog import AttributeCatalog
from graph.customers import Customers
from graph.rules import RulesStore
from graph.segments import Segments
from oneid.bootstrap import Stores, materialisation, open_stores
from oneid.clock import SystemClock
from oneid.services.attributes import AttributeService
from oneid.services.audiences import AudienceService
from oneid.services.customers import CustomerService
from oneid.settings import Settings
from tests.pipeline import Pipeline, open_pipeline


class HandClock(SystemClock):
    """A clock that stands where it is set."""

    def __init__(self) -> None:
        super().__init__()
        self.at = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="session")
async def opened(settings: Settings) -> AsyncIterator[Stores]:
    async with open_stores(settings) as stores:
        yield stores


@pytest.fixture
def stores(opened: Stores, clock: HandClock) -> Stores:
    return replace(opened, clock=clock)


@pytest.fixture
async def pipeline(clean: None, stores: Stores) -> Pipeline:
    return await open_pipeline(stores)


@pytest.fixture
def attributes(stores: Stores) -> AttributeService:
    return AttributeService(AttributeCatalog(stores.graph), stores.profiles, stores.rebuild)


@pytest.fixture
def audiences(stores: Stores, clock: HandClock, attributes: AttributeService) -> AudienceService:
    """Asks at the instant of the clock."""
    graph = stores.graph
    customers = CustomerService(Customers(graph), stores.profiles, RulesStore(graph), "CN")
    return AudienceService(
        attributes,
        Segments(graph),
        materialisation(stores),
        customers,
        stores.profiles,
        clock,
        "UTC",
    )
