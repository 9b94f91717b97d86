"""What a key may ask within a time."""

from collections.abc import AsyncGenerator

import httpx
import pytest

from api.app import create_app
from oneid import bootstrap
from oneid.services import rates
from oneid.settings import Settings
from tests.graphql_api import Api, CallAs
from tests.graphql_socket import connect
from tests.serving import serving

ALL = "{ customers(first: 100) { nodes { events(first: 97) { nodes { id } } } } }"
COST = 1 + 100 * (1 + 1 + 97)
CLOCK = "{ clock { now } }"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no Redis that is away."""
    monkeypatch.setattr(rates, "PATIENCE", 20.0)


@pytest.fixture(scope="module")
async def strict(settings: Settings) -> AsyncGenerator[str]:
    """The application with a key's points counted out: one operation as large as any, and little more."""
    altered = settings.model_copy(update={"rate_points": 10, "rate_burst": 10_000})
    async with serving(create_app(lambda: bootstrap.services(altered))) as address:
        yield address


@pytest.fixture
async def caller(strict: str, call_as: CallAs) -> AsyncGenerator[Api]:
    """A caller who has not asked anything yet."""
    known = await call_as("customers:read")
    async with httpx.AsyncClient(base_url=strict) as client:
        api = Api(client, "")
        api.headers = known.headers
        yield api


async def test_a_key_that_asks_too_much_is_told_when_to_come_back(caller: Api) -> None:
    first = await caller.raw(ALL)
    assert "errors" not in first.json()
    assert first.headers["ratelimit-limit"] == "10000"
    assert 99 <= int(first.headers["ratelimit-remaining"]) <= 101
    assert int(first.headers["ratelimit-reset"]) == pytest.approx(990, abs=2)

    for accept in ("application/json", "application/graphql-response+json"):
        headers = caller.headers | {"Accept": accept}
        second = await caller.client.post("/graphql", json={"query": ALL}, headers=headers)
        (error,) = second.json()["errors"]
        assert second.status_code == 429
        assert int(second.headers["retry-after"]) == pytest.approx(980, abs=5)
        assert error["extensions"]["code"] == "THROTTLED"
        assert error["extensions"]["retryAfter"] == pytest.approx(980, abs=5)
        assert second.json()["extensions"]["cost"]["requestedQueryCost"] == COST
    assert "errors" not in (await caller.raw(CLOCK)).json(), "a small operation still fits"


async def test_each_alias_counts(caller: Api) -> None:
    one = "customers(first: 100) { nodes { events(first: 18) { nodes { id } } } }"
    answer = await caller.raw("{ " + " ".join(f"a{n}: {one}" for n in range(4)) + " }")
    assert int(answer.headers["ratelimit-remaining"]) == pytest.approx(10_000 - 4 * (1 + 100 * 20), abs=2)


async def test_what_is_refused_costs_little_and_not_nothing(caller: Api) -> None:
    for text in ("{ nothing }", "{ deadLetters { totalCount } }"):
        before = int((await caller.raw(CLOCK)).headers["ratelimit-remaining"])
        after = int((await caller.raw(text)).headers["ratelimit-remaining"])
        assert before - after in (0, 1)
    assert before < 10_000


async def test_operations_over_a_socket_are_counted_with_those_over_http(strict: str, caller: Api) -> None:
    async with connect(strict, caller.headers["Authorization"]) as socket:
        assert "errors" not in await socket.run(ALL)
        await socket.subscribe("2", ALL)
        message = await socket.receive()
        assert (message["type"], message["id"]) == ("error", "2")
        (error,) = message["payload"]
        assert error["extensions"]["code"] == "THROTTLED"
        assert error["extensions"]["retryAfter"] > 900
        assert "clock" in (await socket.run(CLOCK))["data"]
    assert (await caller.raw(ALL)).status_code == 429


async def test_a_stream_is_counted_too(caller: Api) -> None:
    headers = caller.headers | {"Accept": "text/event-stream"}
    first = await caller.client.post("/graphql", json={"query": ALL}, headers=headers)
    assert '"errors"' not in first.text
    second = await caller.client.post("/graphql", json={"query": ALL}, headers=headers)
    assert '"code":"THROTTLED"' in second.text
