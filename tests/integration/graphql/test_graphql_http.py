"""GraphQL over HTTP: keys, media types, and the attacks that graphql-cop and others try."""

import asyncio
import gzip
import re
from collections.abc import AsyncGenerator
from hashlib import sha256
from time import process_time
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest

from oneid.domain.keys import KeyKind
from oneid.services.keys import KeyService
from tests.graphql_api import Api, CallAs

JSON = "application/json; charset=utf-8"
GRAPHQL_JSON = "application/graphql-response+json; charset=utf-8"
CLOCK = "{ clock { now } }"
LEAKS = re.compile(r"Traceback|neo4j|Neo\.|opensearch|redis|bolt:|/home/|/usr/|\.py\b", re.IGNORECASE)


async def post(api: Api, content: bytes, **headers: str) -> httpx.Response:
    named = {"content-type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
    return await api.client.post("/graphql", content=content, headers=api.headers | named)


@pytest.mark.parametrize(
    "header", [None, b"", b"Bearer", b"Bearer sk_sandbox_none", b"Basic c2tfdGVzdDo=", b"Bearer \xc3\xa9"]
)
async def test_without_a_valid_key_the_answer_is_401(client: httpx.AsyncClient, header: bytes | None) -> None:
    headers = {} if header is None else {b"Authorization": header}
    answer = await client.post("/graphql", json={"query": CLOCK}, headers=headers)
    (error,) = answer.json()["errors"]
    assert answer.status_code == 401
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    assert error["extensions"]["requestId"] == answer.headers["x-request-id"]
    assert "data" not in answer.json()


async def test_a_write_key_opens_nothing_here(client: httpx.AsyncClient, keys: KeyService) -> None:
    key = await keys.create("web", KeyKind.WRITE)
    answer = await client.post("/graphql", json={"query": CLOCK}, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 401


async def test_a_revoked_key_opens_nothing_within_two_seconds(call_as: CallAs, keys: KeyService) -> None:
    reader = await call_as("customers:read")
    await reader(CLOCK)
    key_id = reader.headers["Authorization"].split("_")[2]
    await keys.revoke(key_id)
    await asyncio.sleep(2.1)
    assert (await reader.raw(CLOCK)).status_code == 401


async def test_the_plain_media_type_answers_200_even_to_what_was_not_executed(api: Api) -> None:
    answer = await post(api, orjson.dumps({"query": "{ nothing }"}), accept="application/json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, JSON)
    assert "data" not in answer.json()


async def test_the_graphql_media_type_answers_400_to_what_was_not_executed(api: Api) -> None:
    accept = "application/graphql-response+json"
    refused = await post(api, orjson.dumps({"query": "{ nothing }"}), accept=accept)
    done = await post(api, orjson.dumps({"query": CLOCK}), accept=accept)
    assert (refused.status_code, refused.headers["content-type"]) == (400, GRAPHQL_JSON)
    assert (done.status_code, done.headers["content-type"]) == (200, GRAPHQL_JSON)


async def test_a_missing_scope_is_403_with_the_graphql_media_type(call_as: CallAs) -> None:
    writer = await call_as("ingest:write")
    answer = await post(writer, orjson.dumps({"query": CLOCK}), accept="application/graphql-response+json")
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"


EVERYTHING = "application/graphql-response+json, application/json, text/event-stream, multipart/mixed"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (EVERYTHING, GRAPHQL_JSON),
        ("text/event-stream;q=0.1, application/json", JSON),
        ("text/event-stream, application/json;q=0.9", "text/event-stream"),
    ],
)
async def test_a_query_is_answered_in_the_media_type_that_the_client_would_rather_have(
    api: Api, accept: str, content_type: str
) -> None:
    answer = await post(api, orjson.dumps({"query": CLOCK}), accept=accept)
    assert (answer.status_code, answer.headers["content-type"]) == (200, content_type)
    assert answer.headers["x-request-id"]
    assert answer.headers["cache-control"].startswith("private, no-store")


async def test_a_subscription_is_streamed_to_whoever_can_read_a_stream(api: Api) -> None:
    text = 'subscription { changes(after: "x") { id } }'
    answer = await post(api, orjson.dumps({"query": text}), accept=EVERYTHING)
    assert answer.headers["content-type"] == "text/event-stream"
    assert [line for line in answer.text.splitlines() if line.startswith("event:")] == [
        "event: next",
        "event: complete",
    ]
    told = orjson.loads(answer.text.split("data: ")[1].splitlines()[0])
    assert told["errors"][0]["extensions"]["requestId"] == answer.headers["x-request-id"]
    plain = await post(api, orjson.dumps({"query": text}), accept="application/json, text/event-stream;q=0")
    assert plain.headers["content-type"] == JSON


async def test_what_nobody_can_read_is_not_sent(api: Api) -> None:
    assert (await post(api, orjson.dumps({"query": CLOCK}), accept="image/png")).status_code == 406


async def test_personal_answers_are_kept_by_no_cache(api: Api) -> None:
    assert (await api.raw(CLOCK)).headers["cache-control"] == "private, no-store"


async def test_the_cost_stands_in_every_answer(api: Api) -> None:
    done = (await api.raw("{ customers(first: 7) { nodes { oneId } } }")).json()
    refused = (await api.raw("{ nothing }")).json()
    assert done["extensions"]["cost"] == {"requestedQueryCost": 8, "maximumQueryCost": 10_000}
    assert refused["extensions"]["cost"]["maximumQueryCost"] == 10_000


async def test_what_costs_too_much_is_refused_before_anything_runs(api: Api) -> None:
    text = "query Q($n: Int) { customers(first: $n) { nodes { events(first: 100) { nodes { id } } } } }"
    assert "errors" not in (await api.raw(text, n=98)).json()
    assert await api.code(text, n=99) == "COST_EXCEEDED"


async def test_one_forbidden_field_stops_the_whole_operation(call_as: CallAs) -> None:
    reader = await call_as("customers:read")
    (error,) = await reader.errors("{ clock { now } deadLetters { totalCount } }")
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert error["message"] == "deadLetters needs the scope admin"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_only_post_is_served(api: Api, method: str) -> None:
    answer = await api.client.request(method, "/graphql", params={"query": CLOCK}, headers=api.headers)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_a_mutation_over_get_does_nothing(api: Api) -> None:
    text = 'mutation { advanceClock(input: { by: "P1D" }) { clock { now } } }'
    before = await api("{ clock { offsetSeconds } }")
    answer = await api.client.get("/graphql", params={"query": text}, headers=api.headers)
    assert answer.status_code == 405
    assert await api("{ clock { offsetSeconds } }") == before


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/graphql",
    ],
)
async def test_content_types_that_forms_can_send_are_refused(api: Api, content_type: str) -> None:
    answer = await post(api, orjson.dumps({"query": CLOCK}), content_type=content_type)
    assert answer.status_code == 400


async def test_batches_are_refused(api: Api) -> None:
    answer = await post(api, orjson.dumps([{"query": CLOCK}] * 10))
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"] == "Batching is not enabled"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"null", 400),
        (b"1", 400),
        (b'"x"', 400),
        (b"{}", 400),
        (b'{"query": 1}', 400),
        (b'{"query": "{ clock { now } }", "variables": []}', 400),
        (b'{"query": "{ clock { now } }", "operationName": 1}', 400),
        (b'{"query": "{ clock { now } }", "variables": {"x": NaN}}', 400),
        (b'\xef\xbb\xbf{"query": "{ clock { now } }"}', 400),
        (b'{"query": "{ clock { now } }", "variables": {"x": "\\ud800"}}', 400),
        (b'{"query": "\xff"}', 400),
        (
            b'{"query": "{ clock { now } }", "variables": {"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
            400,
        ),
    ],
)
async def test_malformed_bodies_are_400(api: Api, body: bytes, status: int) -> None:
    answer = await post(api, body)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_bodies_over_a_mebibyte_are_413_however_they_come(api: Api) -> None:
    padding = b" " * (1024 * 1024)
    body = b'{"query": "{ clock { now } }"}'
    assert (await post(api, body + padding)).status_code == 413
    assert (await post(api, body + padding[: -len(body)])).status_code == 200

    async def chunks() -> AsyncGenerator[bytes]:
        yield body
        yield padding

    answer = await api.client.post(
        "/graphql", content=chunks(), headers=api.headers | {"Content-Type": "application/json"}
    )
    assert answer.status_code == 413
    told = answer.json()["errors"][0]["extensions"]
    assert told == {"code": "BAD_USER_INPUT", "requestId": answer.headers["x-request-id"]}


async def test_packed_bodies_are_415(api: Api) -> None:
    packed = gzip.compress(orjson.dumps({"query": CLOCK}))
    answer = await post(api, packed, content_encoding="gzip")
    assert answer.status_code == 415
    told = answer.json()["errors"][0]["extensions"]
    assert told == {"code": "BAD_USER_INPUT", "requestId": answer.headers["x-request-id"]}


ATTACKS = {
    "aliases": "{ " + " ".join(f"a{n}: clock {{ now }}" for n in range(101)) + " }",
    "field duplication": "{ " + "clock { now } " * 500 + "}",
    "nine hundred duplicates": "{ " + "__typename " * 900 + "}",
    "ten directives": "{ clock @aa@aa@aa@aa@aa@aa@aa@aa@aa@aa { now } }",
    "a thousand skips": "{ clock { now " + "@skip(if: false) " * 240 + "} }",
    "circular introspection": "{ __schema { types "
    + "{ fields { type " * 4
    + "{ name }"
    + " } }" * 4
    + " } }",
    "circular fragment": "query Q { ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "depth": "{ customer { " + "a { " * 150 + "a" + " }" * 152,
    "tokens": "{ clock { " + "now " * 2000 + "} }",
    "unknown fields": "{ " + " ".join(f"x{n}" for n in range(1990)) + " }",
    "many operations": " ".join(f"query Q{n} {{ __typename }}" for n in range(390)),
    "nested objects": "{ customer(by: " + "{ identifier: " * 300 + "1" + " }" * 300 + ") { oneId } }",
}


@pytest.mark.parametrize("name", ATTACKS)
async def test_wide_and_deep_documents_are_refused_quickly_and_briefly(api: Api, name: str) -> None:
    started = process_time()
    answer = await api.raw(ATTACKS[name])
    took = process_time() - started
    errors = answer.json()["errors"]
    assert {error["extensions"]["code"] for error in errors} == {"BAD_USER_INPUT"}
    assert took < 0.5, "seconds of processor time, the server's included"
    assert len(answer.content) < 64_000


async def test_a_field_that_fails_tells_nothing_about_the_inside(api: Api) -> None:
    for text in (
        "{ node }",
        "{ clock { now(x: 1) } }",
        '{ customers(after: "x") { totalCount } }',
        "{ \u0000",
    ):
        assert not LEAKS.search((await api.raw(text)).text)


async def test_deeply_nested_json_values_are_refused(api: Api) -> None:
    value: Any = 1
    for _ in range(200):
        value = [value]
    given = {"identifiers": [{"type": "user_id", "value": "deep"}], "set": {"x": value}}
    text = "mutation U($i: UpsertCustomerInput!) { upsertCustomer(input: $i) { created } }"
    assert await api.code(text, i=given) == "BAD_USER_INPUT"


async def test_a_subscription_over_plain_post_says_what_it_needs(api: Api) -> None:
    (error,) = await api.errors("subscription { changes { id } }")
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "text/event-stream" in error["message"]


async def test_graphiql_is_served_in_a_sandbox_without_any_key_in_it(client: httpx.AsyncClient) -> None:
    answer = await client.get("/graphql", headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "ingestEvents" in answer.text
    assert "sk_test" not in answer.text


async def test_a_client_that_sends_hashes_is_told_to_send_the_text_once(api: Api) -> None:
    text = f"{{ clock {{ now }} }} # {uuid4().hex}"
    named = {
        "extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha256(text.encode()).hexdigest()}}
    }
    first = await post(api, orjson.dumps(named))
    assert first.status_code == 400
    (error,) = first.json()["errors"]
    assert (error["message"], error["extensions"]["code"]) == (
        "PersistedQueryNotFound",
        "PERSISTED_QUERY_NOT_FOUND",
    )
    for body in ({"query": text, **named}, named):
        assert "now" in (await post(api, orjson.dumps(body))).json()["data"]["clock"]
    other = await post(api, orjson.dumps({"query": CLOCK, **named}))
    assert other.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
