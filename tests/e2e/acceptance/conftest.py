"""Acceptance on a running oneid: API, consumer and worker, through the public interface and by the sandbox's clock."""

from collections.abc import AsyncGenerator

import pytest

from oneid.settings import Settings
from tests.acceptance import Brand
from tests.graphql_api import Api
from tests.running import calling, running


@pytest.fixture(scope="module")
async def url(emptied: None, settings: Settings) -> AsyncGenerator[str]:
    """Where oneid answers."""
    async with running(settings) as address:
        yield address


@pytest.fixture(scope="module")
async def api(url: str, settings: Settings) -> AsyncGenerator[Api]:
    """A caller who may do everything."""
    async with calling(url, settings) as caller:
        yield caller


@pytest.fixture
def brand(api: Api) -> Brand:
    """A brand with names that nobody else uses."""
    return Brand(api)
