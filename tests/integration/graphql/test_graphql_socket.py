"""graphql-transport-ws, message by message."""

import asyncio
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus, NegotiationError

from api.graphql import execution
from oneid.domain.keys import Actor
from oneid.errors import Retriable
from oneid.services.customers import CustomerService
from oneid.services.keys import KeyService
from tests.graphql_api import Api, CallAs
from tests.graphql_socket import connect, dial

CHANGES = "subscription { changes { id } }"


@pytest.fixture
def authorization(api: Api) -> str:
    return api.headers["Authorization"]


@pytest.mark.parametrize("protocol", ["graphql-ws", "chat", ""])
async def test_other_subprotocols_are_refused(url: str, protocol: str) -> None:
    try:
        async with dial(url, protocol) as socket:
            assert await socket.close_code() == 4406
    except NegotiationError:
        assert protocol


async def test_a_page_of_another_origin_is_refused(url: str, api: Api) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with dial(url, Origin="https://elsewhere.example"):
            pass
    assert caught.value.response.status_code == 403


@pytest.mark.parametrize(
    "frame",
    [
        "{",
        "[]",
        "1",
        "null",
        '"ping"',
        "{}",
        '{"type": "nothing"}',
        '{"type": 1}',
        '{"type": "complete"}',
        '{"type": "subscribe", "id": "1"}',
        '{"type": "subscribe", "id": "1", "payload": "x"}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 1}}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "{ clock { now } }"}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ clock { now } }", "variables": []}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ clock { now } }", "operationName": 1}}',
        '{"type": "connection_init", "payload": []}',
    ],
)
async def test_malformed_messages_close_with_4400(url: str, frame: str) -> None:
    async with dial(url) as socket:
        await socket.connection.send(frame)
        assert await socket.close_code() == 4400


async def test_binary_frames_close_with_4400(url: str, authorization: str) -> None:
    async with connect(url, authorization) as socket:
        await socket.connection.send(b'{"type": "ping"}')
        assert await socket.close_code() == 4400


async def test_a_frame_over_a_mebibyte_closes(url: str, authorization: str) -> None:
    async with connect(url, authorization) as socket:
        await socket.send({"type": "ping", "payload": {"x": "x" * (1024 * 1024)}})
        assert await socket.close_code() == 4400


async def test_subscribing_before_the_start_closes_with_4401(url: str) -> None:
    async with dial(url) as socket:
        await socket.subscribe("1", CHANGES)
        assert await socket.close_code() == 4401


async def test_a_second_start_closes_with_4429(url: str, authorization: str) -> None:
    async with connect(url, authorization) as socket:
        await socket.send({"type": "connection_init"})
        assert await socket.close_code() == 4429


@pytest.mark.parametrize("payload", [{}, {"Authorization": "Bearer sk_none"}, {"Authorization": 1}])
async def test_a_start_without_a_valid_key_closes_with_4403(url: str, payload: dict[str, Any]) -> None:
    async with dial(url) as socket:
        await socket.send({"type": "connection_init", "payload": payload})
        assert await socket.close_code() == 4403


async def test_ten_seconds_of_silence_close_with_4408(url: str) -> None:
    async with dial(url) as socket:
        assert await socket.close_code() == 4408


async def test_the_key_may_come_with_the_handshake(url: str, authorization: str) -> None:
    async with dial(url, Authorization=authorization) as socket:
        assert await socket.init() == {"type": "connection_ack"}
        assert "clock" in (await socket.run("{ clock { now } }"))["data"]


async def test_a_ping_is_answered(url: str, authorization: str) -> None:
    async with connect(url, authorization) as socket:
        await socket.send({"type": "ping"})
        assert await socket.receive() == {"type": "pong"}


async def test_queries_and_mutations_run_over_the_socket(url: str, authorization: str) -> None:
    async with connect(url, authorization) as socket:
        assert "clock" in (await socket.run("{ clock { now } }"))["data"]
        text = 'mutation { advanceClock(input: { by: "x" }) { userErrors { code } } }'
        answer = await socket.run(text)
        assert answer["data"] == {"advanceClock": {"userErrors": [{"code": "INVALID"}]}}


async def test_an_id_in_use_closes_with_4409(url: str, authorization: str) -> None:
    async with connect(url, authorization) as socket:
        await socket.subscribe("1", CHANGES)
        await socket.subscribe("1", CHANGES)
        assert await socket.close_code() == 4409


@pytest.mark.parametrize(
    "text", ["{ nothing }", "{", "subscription { nothing }", "{ clock { now } } { clock { now } }"]
)
async def test_an_invalid_document_is_an_error_and_nothing_more(
    url: str, authorization: str, text: str
) -> None:
    async with connect(url, authorization) as socket:
        await socket.subscribe("1", text)
        message = await socket.receive()
        assert (message["type"], message["id"]) == ("error", "1")
        assert message["payload"][0]["extensions"]["code"] == "BAD_USER_INPUT"
        await socket.silence(0.3)
        assert "clock" in (await socket.run("{ clock { now } }", "1"))["data"]


async def test_a_missing_scope_is_an_error(url: str, call_as: CallAs) -> None:
    caller = await call_as("ingest:write")
    async with connect(url, caller.headers["Authorization"]) as socket:
        await socket.subscribe("1", CHANGES)
        message = await socket.receive()
        assert message["payload"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_complete_ends_the_subscription_at_its_source(url: str, api: Api, authorization: str) -> None:
    async with connect(url, authorization) as socket:
        await socket.subscribe("1", CHANGES)
        await asyncio.sleep(0.3)
        await socket.send({"type": "complete", "id": "1"})
        await socket.run("{ clock { now } }")
        await api.upsert(user_id="after-complete")
        await socket.silence(0.6)
        assert "clock" in (await socket.run("{ clock { now } }", "1"))["data"]


async def test_a_connection_carries_twenty_subscriptions(url: str, authorization: str) -> None:
    async with connect(url, authorization) as socket:
        for n in range(20):
            await socket.subscribe(str(n), CHANGES)
        await socket.subscribe("20", CHANGES)
        message = await socket.receive()
        assert (message["type"], message["id"]) == ("error", "20")
        told = message["payload"][0]["extensions"]
        assert told["code"] == "THROTTLED"
        assert told["requestId"]
        await socket.send({"type": "complete", "id": "0"})
        assert "clock" in (await socket.run("{ clock { now } }"))["data"]


async def test_a_key_that_can_not_be_checked_right_now_closes_so_that_clients_try_again(
    url: str, authorization: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(self: KeyService, text: str) -> Actor:
        raise Retriable("the key cannot be checked right now")

    monkeypatch.setattr(KeyService, "authenticate_secret", away)
    async with dial(url) as socket:
        await socket.send({"type": "connection_init", "payload": {"Authorization": authorization}})
        assert await socket.close_code() == 1013


async def test_each_operation_has_a_request_id_of_its_own(url: str, authorization: str) -> None:
    async with connect(url, authorization) as socket:
        ids = set[str]()
        for number in ("1", "2"):
            await socket.subscribe(number, "{ nothing }")
            ids.add((await socket.receive())["payload"][0]["extensions"]["requestId"])
        assert len(ids) == 2


HANGS = '{ customer(by: { oneId: "hangs" }) { oneId } }'


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> None:
    """Customers are not found in time."""

    async def hang(self: CustomerService, one_id: str) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(execution, "DEADLINE_SECONDS", 0.3)
    monkeypatch.setattr(CustomerService, "by_one_id", hang)
    monkeypatch.setattr(CustomerService, "by_one_ids", hang)


@pytest.mark.usefixtures("hanging")
async def test_a_query_over_the_socket_has_a_deadline(url: str, authorization: str) -> None:
    async with connect(url, authorization) as socket:
        (error,) = (await socket.run(HANGS))["errors"]
        assert error["extensions"]["code"] == "UNAVAILABLE"
        assert "clock" in (await socket.run("{ clock { now } }"))["data"]


@pytest.mark.usefixtures("hanging")
@pytest.mark.parametrize("accept", ["text/event-stream", "application/json"])
async def test_a_query_over_http_has_a_deadline(api: Api, accept: str) -> None:
    answer = await api.client.post(
        "/graphql", json={"query": HANGS}, headers=api.headers | {"Accept": accept}
    )
    assert '"code":"UNAVAILABLE"' in answer.text


async def test_a_connection_ends_when_its_key_is_revoked(url: str, call_as: CallAs, keys: KeyService) -> None:
    caller = await call_as("customers:read")
    async with connect(url, caller.headers["Authorization"]) as socket:
        await keys.revoke(caller.headers["Authorization"].split("_")[2])
        assert await socket.close_code() == 4403
