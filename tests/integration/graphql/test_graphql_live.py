"""What a live deployment does not show."""

from collections.abc import AsyncGenerator

import httpx
import pytest

from api.app import create_app
from graph.client import Graph
from graph.keys import ApiKeys
from oneid import bootstrap
from oneid.clock import SystemClock
from oneid.domain.keys import KeyKind
from oneid.services.keys import KeyService
from oneid.settings import Settings
from tests.graphql_api import Api
from tests.serving import serving

INTROSPECTION = "{ __schema { queryType { name } } }"


@pytest.fixture(scope="module")
async def live(settings: Settings) -> AsyncGenerator[str]:
    """The application in live mode."""
    altered = settings.model_copy(update={"mode": "live"})
    async with serving(create_app(lambda: bootstrap.services(altered))) as address:
        yield address


@pytest.fixture
async def callers(live: str, graph: Graph) -> AsyncGenerator[tuple[Api, Api]]:
    """An admin and a reader."""
    keys = KeyService(ApiKeys(graph), SystemClock(), "live")
    async with httpx.AsyncClient(base_url=live) as client:
        admin = Api(client, await keys.create("admin", KeyKind.SECRET, ["admin"]))
        yield admin, Api(client, await keys.create("reader", KeyKind.SECRET, ["customers:read"]))


async def test_introspection_is_for_admins(callers: tuple[Api, Api]) -> None:
    admin, reader = callers
    assert (await admin(INTROSPECTION))["__schema"] == {"queryType": {"name": "Query"}}
    errors = await reader.errors(INTROSPECTION)
    assert {error["extensions"]["code"] for error in errors} == {"BAD_USER_INPUT"}
    assert await reader.errors('{ __type(name: "Customer") { name } }')
    assert (await reader("{ clock { __typename } }"))["clock"] == {"__typename": "Clock"}


@pytest.mark.parametrize(
    "text",
    [
        "{ custome { oneId } }",
        "{ customers(firs: 1) { totalCount } }",
        '{ customer(by: { oneI: "x" }) { oneId } }',
        "{ eventTotals(groupBy: NAM) { key } }",
        "query Q($x: CustomerLooku) { clock { now } }",
        "{ node(id: 1) { ... on Custome { oneId } } }",
        "{ clock { now @ski(if: true) } }",
        "{ ...Fo } fragment Foo on Query { clock { now } }",
    ],
)
async def test_nothing_is_suggested(callers: tuple[Api, Api], text: str) -> None:
    for caller in callers:
        assert "Did you mean" not in (await caller.raw(text)).text


async def test_there_is_no_graphiql(callers: tuple[Api, Api]) -> None:
    admin, _ = callers
    answer = await admin.client.get("/graphql", headers={"Accept": "text/html"})
    assert answer.status_code != 200
    assert "<html" not in answer.text


async def test_the_clock_cannot_be_moved(callers: tuple[Api, Api]) -> None:
    admin, _ = callers
    text = 'mutation { advanceClock(input: { by: "P1D" }) { clock { offsetSeconds } userErrors { code message } } }'
    answer = (await admin(text))["advanceClock"]
    assert answer["clock"]["offsetSeconds"] == 0
    assert [error["code"] for error in answer["userErrors"]] == ["CONFLICT"]
