"""The change feed, over WebSocket and server-sent events."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from oneid.services.keys import KeyService
from tests.graphql_api import Api, CallAs, Fresh
from tests.graphql_socket import Socket, connect

CHANGES = """
subscription Changes($types: [String!], $after: String) {
  changes(types: $types, after: $after) {
    id cursor type at oneId mergedOneIds customer { oneId formerOneIds identifiers { value } }
  }
}
"""

MERGE = """
mutation Merge($into: String!, $from: String!) {
  mergeCustomers(input: { into: { oneId: $into }, from: [{ oneId: $from }] }) { userErrors { message } }
}
"""


async def merge(api: Api, into: str, source: str) -> None:
    assert (await api(MERGE, **{"into": into, "from": source}))["mergeCustomers"]["userErrors"] == []


@asynccontextmanager
async def following(url: str, api: Api, **variables: Any) -> AsyncGenerator[Socket]:
    """A socket on which the subscription `s` has started."""
    async with connect(url, api.headers["Authorization"]) as socket:
        await socket.subscribe("s", CHANGES, **variables)
        # The protocol does not say that a subscription has started; a query behind it does.
        await socket.run("{ clock { now } }")
        await asyncio.sleep(0.3)
        yield socket


async def test_creations_and_merges_arrive_in_order_with_the_customer_as_it_is(
    url: str, api: Api, fresh: Fresh
) -> None:
    async with following(url, api) as socket:
        value = fresh("u")
        one, two = await api.upsert(user_id=value), await api.upsert(user_id=fresh("u"))
        first, second = [await socket.change("s") for _ in range(2)]
        assert (first["type"], first["oneId"], first["mergedOneIds"]) == ("CUSTOMER_CREATED", one, [])
        assert first["customer"] == {"oneId": one, "formerOneIds": [], "identifiers": [{"value": value}]}
        assert second["oneId"] == two
        await merge(api, one, two)
        third = await socket.change("s")
        assert (third["type"], third["oneId"], third["mergedOneIds"]) == ("CUSTOMER_MERGED", one, [two])
        assert third["customer"]["formerOneIds"] == [two]


async def test_a_consumer_goes_on_behind_its_cursor_without_gap_or_double(
    url: str, api: Api, fresh: Fresh
) -> None:
    async with following(url, api) as socket:
        made = [await api.upsert(user_id=fresh("u")) for _ in range(5)]
        seen = [await socket.change("s") for _ in range(2)]
    made.append(await api.upsert(user_id=fresh("u")))
    for start in range(2):
        async with following(url, api, after=seen[start]["cursor"]) as socket:
            rest = [(await socket.change("s"))["oneId"] for _ in range(len(made) - start - 1)]
            assert rest == made[start + 1 :]
            await socket.silence(0.5)


async def test_only_the_types_asked_for_arrive(url: str, api: Api, fresh: Fresh) -> None:
    async with following(url, api, types=["CUSTOMER_MERGED"]) as socket:
        one, two = await api.upsert(user_id=fresh("u")), await api.upsert(user_id=fresh("u"))
        await merge(api, one, two)
        assert (await socket.change("s"))["type"] == "CUSTOMER_MERGED"


@pytest.mark.parametrize("variables", [{"types": ["NOTHING"]}, {"after": "x"}, {"after": "WyJldmVudCIsMV0"}])
async def test_what_cannot_be_followed_is_said(url: str, api: Api, variables: dict[str, Any]) -> None:
    async with connect(url, api.headers["Authorization"]) as socket:
        await socket.subscribe("s", CHANGES, **variables)
        message = await socket.receive()
        (error,) = message["payload"]["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert (await socket.receive())["type"] == "complete"


async def test_server_sent_events_carry_the_same(url: str, api: Api, fresh: Fresh) -> None:
    async with following(url, api) as socket:
        await api.upsert(user_id=fresh("u"))
        cursor = (await socket.change("s"))["cursor"]
    made = [await api.upsert(user_id=fresh("u")) for _ in range(3)]
    body = {"query": CHANGES, "variables": {"after": cursor}}
    headers = api.headers | {"Accept": "text/event-stream"}
    async with api.client.stream("POST", "/graphql", json=body, headers=headers) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        lines = (line async for line in answer.aiter_lines() if line.startswith("data: {"))
        seen = [orjson.loads((await anext(lines))[6:])["data"]["changes"]["oneId"] for _ in made]
    assert seen == made


async def test_a_query_over_server_sent_events_is_one_event_and_the_end(api: Api) -> None:
    body = {"query": "{ clock { offsetSeconds } }"}
    headers = api.headers | {"Accept": "text/event-stream"}
    answer = await api.client.post("/graphql", json=body, headers=headers)
    events = [line for line in answer.text.splitlines() if line.startswith("event:")]
    assert events == ["event: next", "event: complete"]


async def test_a_stream_without_the_scope_is_refused(call_as: CallAs) -> None:
    caller = await call_as("ingest:write")
    headers = caller.headers | {"Accept": "text/event-stream"}
    answer = await caller.client.post("/graphql", json={"query": CHANGES}, headers=headers)
    assert '"code":"FORBIDDEN"' in answer.text


async def test_a_stream_ends_when_its_key_is_revoked(call_as: CallAs, keys: KeyService) -> None:
    caller = await call_as("customers:read")
    headers = caller.headers | {"Accept": "text/event-stream"}
    async with caller.client.stream("POST", "/graphql", json={"query": CHANGES}, headers=headers) as answer:
        await keys.revoke(caller.headers["Authorization"].split("_")[2])
        text = "".join([part async for part in answer.aiter_text()])
    assert '"code":"UNAUTHENTICATED"' in text
    assert "event: complete" in text


SPLIT = """
mutation Split($input: SplitCustomerInput!) {
  splitCustomer(input: $input) { kept { oneId } splitOff { oneId } userErrors { message } }
}
"""
ERASE = """
mutation Erase($id: String!) { eraseCustomer(input: { customer: { oneId: $id } }) { receiptId userErrors { message } } }
"""
ALL = """
subscription All($after: String) {
  changes(after: $after) { cursor type oneId mergedOneIds splitOneId receiptId customer { oneId } }
}
"""


@pytest.mark.usefixtures("consumer")
async def test_who_keeps_a_copy_hears_of_splits_and_of_erasures(url: str, api: Api, fresh: Fresh) -> None:
    user, device = fresh("u"), fresh("d")
    async with connect(url, api.headers["Authorization"]) as socket:
        await socket.subscribe("s", ALL)
        await socket.run("{ clock { now } }")
        await asyncio.sleep(0.3)
        one = await api.upsert(user_id=user, device_id=device)
        taken = {"customer": {"oneId": one}, "identifiers": [{"type": "device_id", "value": device}]}
        parts = (await api(SPLIT, input=taken))["splitCustomer"]
        created, split = [await socket.change("s") for _ in range(2)]
        assert (created["type"], created["oneId"]) == ("CUSTOMER_CREATED", one)
        assert (split["type"], split["oneId"]) == ("CUSTOMER_SPLIT", parts["kept"]["oneId"])
        assert split["splitOneId"] == parts["splitOff"]["oneId"]
        other = await api.upsert(user_id=fresh("u"))
        await merge(api, one, other)
        assert [(await socket.change("s"))["type"] for _ in range(2)] == [
            "CUSTOMER_CREATED",
            "CUSTOMER_MERGED",
        ]

        receipt = (await api(ERASE, id=one))["eraseCustomer"]["receiptId"]

        erased = await socket.change("s")
        assert (erased["type"], erased["oneId"], erased["mergedOneIds"]) == ("CUSTOMER_ERASED", one, [other])
        assert (erased["receiptId"], erased["customer"]) == (receipt, None)
        async with connect(url, api.headers["Authorization"]) as later:
            await later.subscribe("s", ALL, after=split["cursor"])
            told = [await later.change("s")]
            while told[-1]["type"] != "CUSTOMER_ERASED":
                told.append(await later.change("s"))
            doubles = {change["type"] for change in told[:-1] if change["oneId"] in (one, other)}
            assert doubles <= {"CUSTOMER_SPLIT"}, "what the others told of is erased with it"


async def test_a_subscriber_that_goes_on_from_long_ago_and_one_that_begins_now_hear_the_same_from_then_on(
    url: str, api: Api, fresh: Fresh
) -> None:
    async with following(url, api) as first:
        made = [await api.upsert(user_id=fresh("u")) for _ in range(3)]
        cursor = (await first.change("s"))["cursor"]
        async with following(url, api, after=cursor) as second:
            made.append(await api.upsert(user_id=fresh("u")))
            assert [(await second.change("s"))["oneId"] for _ in range(3)] == made[1:]
            assert [(await first.change("s"))["oneId"] for _ in range(3)] == made[1:]
            await second.silence(0.5)
