import pytest

from oneid.bootstrap import Stores
from tests.pipeline import Pipeline, open_pipeline


@pytest.fixture
async def pipeline(clean: None, stores: Stores) -> Pipeline:
    return await open_pipeline(stores)
