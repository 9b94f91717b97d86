"""Scenarios on a running oneid: API, consumer and worker. Within a file nothing is wiped: names tell them apart."""

from collections.abc import AsyncGenerator

import pytest

from oneid.settings import Settings
from tests.graphql_api import Api
from tests.running import calling, running
from tests.scenario import Fresh, Scenario


@pytest.fixture(scope="module")
async def url(emptied: None, settings: Settings) -> AsyncGenerator[str]:
    """Where oneid answers."""
    async with running(settings) as address:
        yield address


@pytest.fixture(scope="module")
async def api(url: str, settings: Settings) -> AsyncGenerator[Api]:
    """A caller who may do everything. It leaves the default rules."""
    async with calling(url, settings) as caller:
        yield caller
        await Scenario(caller).rules()


@pytest.fixture
async def scene(api: Api) -> Scenario:
    """A scenario under the default rules."""
    made = Scenario(api)
    await made.rules()
    return made


@pytest.fixture
def fresh(scene: Scenario, api: Api) -> Fresh:
    """Makes more scenarios under the same rules."""
    return lambda: Scenario(api)
