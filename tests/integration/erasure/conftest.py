from collections.abc import AsyncIterator

import pytest

from oneid.bootstrap import Stores, open_stores
from oneid.settings import Settings
from tests.erasing import Erasing, erasing
from tests.pipeline import Pipeline, open_pipeline


@pytest.fixture(scope="session")
async def stores(settings: Settings) -> AsyncIterator[Stores]:
    async with open_stores(settings) as opened:
        yield opened


@pytest.fixture
async def pipeline(clean: None, stores: Stores) -> Pipeline:
    return await open_pipeline(stores)


@pytest.fixture
def erasure(stores: Stores) -> Erasing:
    return erasing(stores)
