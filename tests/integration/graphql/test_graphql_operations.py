"""Long-running operations over GraphQL, and the files they result in."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api.graphql.relay import encode_id
from graph.client import Graph
from graph.operation_files import OperationFiles
from graph.operations import OperationStore
from oneid.clock import SystemClock
from oneid.domain.operations import Operation
from oneid.services.keys import KeyService
from oneid.services.operation_run import Pace, Run
from oneid.services.operation_runner import OperationRunner
from oneid.services.operations import OperationService
from tests.graphql_api import Api, CallAs
from tests.graphql_socket import Socket, connect
from tests.integration.graphql.conftest import ADMIN_KEY

FIELDS = "id kind status done total errors createdAt startedAt finishedAt result error resultUrl"
NODE = f"query Node($id: ID!) {{ node(id: $id) {{ ... on Operation {{ {FIELDS} }} }} }}"
CANCEL = f"""
mutation Cancel($input: CancelOperationInput!) {{
  cancelOperation(input: $input) {{ operation {{ {FIELDS} }} userErrors {{ code field }} }}
}}
"""
UPDATED = f"subscription Updated($id: ID!) {{ operationUpdated(id: $id) {{ {FIELDS} }} }}"
KIND = f"test-{uuid4().hex[:8]}"


@pytest.fixture
def store(graph: Graph) -> OperationStore:
    return OperationStore(graph)


@pytest.fixture
def service(graph: Graph, store: OperationStore) -> OperationService:
    return OperationService(store, OperationFiles(graph), SystemClock())


@pytest.fixture
def runner(graph: Graph, store: OperationStore) -> OperationRunner:
    """Runs this module's kind alone, which no worker knows."""
    files, pace = OperationFiles(graph), Pace(progress=0.0)
    return OperationRunner(store, files, {KIND: write_file}, SystemClock(), pace=pace)


async def lines() -> AsyncIterator[bytes]:
    yield "张三\n".encode()
    yield b"Anna\n"


async def write_file(run: Run) -> dict[str, Any]:
    await run.progress(1, total=2, errors=1)
    await run.keep("people 1.txt", "text/plain", lines())
    return {"people": 2}


def global_id(operation: Operation) -> str:
    return encode_id("Operation", operation.id)


async def test_an_operation_is_a_node(api: Api, service: OperationService, runner: OperationRunner) -> None:
    operation = await service.start(KIND, {"secret": "input"})
    asked = {"id": global_id(operation)}
    assert (await api(NODE, **asked))["node"] == {
        "id": global_id(operation),
        "kind": KIND,
        "status": "QUEUED",
        "done": 0,
        "total": None,
        "errors": 0,
        "createdAt": operation.created_at,
        "startedAt": None,
        "finishedAt": None,
        "result": None,
        "error": None,
        "resultUrl": None,
    }
    await runner.run_once()
    node = (await api(NODE, **asked))["node"]
    assert (node["status"], node["done"], node["total"], node["errors"]) == ("COMPLETED", 1, 2, 1)
    assert node["result"] == {"people": 2}
    assert node["resultUrl"] == f"/operations/{operation.id}/result"


async def test_an_operation_is_seen_by_keys_with_its_scope_only(
    api: Api, call_as: CallAs, service: OperationService, runner: OperationRunner
) -> None:
    hidden = await service.start(KIND, {})
    shown = await service.start(KIND, {}, scope="pii:read")
    caller = await call_as("customers:read", "pii:read")
    assert (await caller(NODE, id=global_id(hidden)))["node"] is None
    assert (await caller(NODE, id=global_id(shown)))["node"]["status"] == "QUEUED"

    answer = (await caller(CANCEL, input={"id": global_id(hidden)}))["cancelOperation"]
    assert answer == {"operation": None, "userErrors": [{"code": "NOT_FOUND", "field": ["id"]}]}
    assert (await api(NODE, id=global_id(hidden)))["node"]["status"] == "QUEUED"
    for operation in (hidden, shown):
        await service.cancel(operation.id)


async def test_what_waits_is_cancelled_and_what_has_ended_is_not(
    api: Api, service: OperationService, runner: OperationRunner
) -> None:
    waiting = await service.start(KIND, {})
    answer = (await api(CANCEL, input={"id": global_id(waiting)}))["cancelOperation"]
    assert (answer["operation"]["status"], answer["userErrors"]) == ("CANCELLED", [])

    done = await service.start(KIND, {})
    await runner.run_once()
    answer = (await api(CANCEL, input={"id": global_id(done)}))["cancelOperation"]
    assert answer == {"operation": None, "userErrors": [{"code": "CONFLICT", "field": ["id"]}]}
    assert (await api(NODE, id=global_id(done)))["node"]["status"] == "COMPLETED"


@pytest.mark.parametrize("id_", ["", "nonsense", encode_id("Customer", "x"), encode_id("Operation", "x")])
async def test_what_is_no_operation_is_not_found(api: Api, id_: str) -> None:
    answer = (await api(CANCEL, input={"id": id_}))["cancelOperation"]
    assert answer == {"operation": None, "userErrors": [{"code": "NOT_FOUND", "field": ["id"]}]}


async def update(socket: Socket) -> dict[str, Any]:
    message = await socket.receive()
    assert message["type"] == "next", message
    shown: dict[str, Any] = message["payload"]["data"]["operationUpdated"]
    return shown


async def test_an_operation_is_followed_to_its_end(
    url: str, api: Api, service: OperationService, runner: OperationRunner
) -> None:
    operation = await service.start(KIND, {})
    async with connect(url, f"Bearer {ADMIN_KEY}") as socket:
        await socket.subscribe("o", UPDATED, id=global_id(operation))
        assert (await update(socket))["status"] == "QUEUED"
        await runner.run_once()
        shown = await update(socket)
        while shown["status"] == "RUNNING":
            shown = await update(socket)
        assert (shown["status"], shown["result"]) == ("COMPLETED", {"people": 2})
        assert await socket.receive() == {"type": "complete", "id": "o"}


async def test_nobody_follows_what_there_is_not(url: str, api: Api) -> None:
    async with connect(url, f"Bearer {ADMIN_KEY}") as socket:
        await socket.subscribe("o", UPDATED, id=encode_id("Operation", "x"))
        message = await socket.receive()
        error = message["payload"]["errors"][0] if message["type"] == "next" else message["payload"][0]
        assert error["extensions"]["code"] == "NOT_FOUND"


async def test_the_file_is_fetched_with_a_key_of_the_scope(
    client: httpx.AsyncClient,
    api: Api,
    call_as: CallAs,
    service: OperationService,
    runner: OperationRunner,
) -> None:
    operation = await service.start(KIND, {}, scope="pii:read")
    path = f"/operations/{operation.id}/result"
    assert (await client.get(path, headers=api.headers)).status_code == 404
    await runner.run_once()

    answer = await client.get(path, headers=(await call_as("pii:read")).headers)
    assert (answer.status_code, answer.text) == (200, "张三\nAnna\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''people%201.txt"
    assert answer.headers["cache-control"] == "private, no-store"
    refused = await client.get(path, headers=(await call_as("customers:read")).headers)
    assert (refused.status_code, refused.json()["code"]) == (404, "NOT_FOUND")
    stranger = await client.get(path)
    assert (stranger.status_code, stranger.json()["code"]) == (401, "UNAUTHENTICATED")
    assert (await client.get("/operations/x/result", headers=api.headers)).status_code == 404


async def test_a_silent_stream_ends_when_its_key_is_revoked(
    api: Api, call_as: CallAs, service: OperationService, keys: KeyService
) -> None:
    operation = await service.start(KIND, {}, scope="customers:read")
    caller = await call_as("customers:read")
    body = {"query": UPDATED, "variables": {"id": global_id(operation)}}
    headers = caller.headers | {"Accept": "text/event-stream"}

    async with caller.client.stream("POST", "/graphql", json=body, headers=headers) as answer:
        await keys.revoke(caller.headers["Authorization"].split("_")[2])
        async with asyncio.timeout(10):
            text = "".join([part async for part in answer.aiter_text()])

    events = [line for line in text.splitlines() if line.startswith("event:")]
    assert events == ["event: next", "event: next", "event: complete"]
    assert '"code":"UNAUTHENTICATED"' in text
