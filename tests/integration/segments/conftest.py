from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from oneid.bootstrap import Stores, open_stores, work
from oneid.clock import SystemClock
from oneid.services.attributes import AttributeService
from oneid.services.audiences import AudienceService
from oneid.services.segments import SegmentService
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
    return replace(opened, clock=clock, zone="UTC")


@pytest.fixture
async def pipeline(clean: None, stores: Stores) -> Pipeline:
    return await open_pipeline(stores)


@pytest.fixture
def attributes(stores: Stores) -> AttributeService:
    return work.attributes(stores)


@pytest.fixture
def audiences(stores: Stores) -> AudienceService:
    """Asks at the instant of the clock."""
    return work.audiences(stores)


@pytest.fixture
def segments(stores: Stores) -> SegmentService:
    return work.segments(stores)
