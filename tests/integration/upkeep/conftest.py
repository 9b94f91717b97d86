from collections.abc import AsyncIterator

import pytest

from graph.projection import Projections
from oneid.bootstrap import Stores, Upkeep, open_stores, upkeep
from oneid.settings import Settings
from tests.pipeline import Pipeline, open_pipeline


@pytest.fixture(scope="session")
async def stores(settings: Settings) -> AsyncIterator[Stores]:
    async with open_stores(settings) as opened:
        yield opened


@pytest.fixture
async def pipeline(clean: None, stores: Stores) -> Pipeline:
    return await open_pipeline(stores)


@pytest.fixture
def work(stores: Stores) -> Upkeep:
    return upkeep(stores)


@pytest.fixture
def marks(stores: Stores) -> Projections:
    return Projections(stores.graph)
