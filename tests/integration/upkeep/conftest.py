import pytest

from graph.projection import Projections
from oneid.bootstrap import Stores, Upkeep, upkeep
from tests.pipeline import Pipeline, open_pipeline


@pytest.fixture
async def pipeline(clean: None, stores: Stores) -> Pipeline:
    return await open_pipeline(stores)


@pytest.fixture
def work(stores: Stores) -> Upkeep:
    return upkeep(stores)


@pytest.fixture
def marks(stores: Stores) -> Projections:
    return Projections(stores.graph)
