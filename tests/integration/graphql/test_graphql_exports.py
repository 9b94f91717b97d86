"""A person's own copy: everything that is held, from every store, and nothing of anybody else."""

from typing import Any

import httpx
import orjson
import pytest

from oneid.bootstrap import Stores
from oneid.domain.messages import format_time
from oneid.log.dead_letters import body
from oneid.log.events import DEAD_KEY
from tests.erasing import NOTHING, traces
from tests.graphql_api import Api, CallAs, Fresh
from tests.pipeline import START

pytestmark = pytest.mark.usefixtures("consumer", "worker")

EXPORT = """
mutation($input: ExportCustomerInput!) {
  exportCustomer(input: $input) { operation { id kind } userErrors { code field } }
}
"""
STATE = "query($id: ID!) { node(id: $id) { ... on Operation { status resultUrl result error } } }"
ERASE = """
mutation($input: EraseCustomerInput!) { eraseCustomer(input: $input) { receiptId userErrors { code } } }
"""


async def started(api: Api, **by: Any) -> str:
    answer = (await api(EXPORT, input={"customer": by}))["exportCustomer"]
    assert answer["userErrors"] == []
    assert answer["operation"]["kind"] == "exportCustomer"
    id_: str = answer["operation"]["id"]
    return id_


async def file(api: Api, client: httpx.AsyncClient, **by: Any) -> list[dict[str, Any]]:
    state = await api.ended(await started(api, **by))
    assert state["status"] == "COMPLETED", state
    answer = await client.get(state["resultUrl"], headers=api.headers)
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [orjson.loads(line) for line in answer.content.splitlines()]
    assert state["result"]["lines"] == {
        kind: len(of(lines, kind)) for kind in {line["kind"] for line in lines}
    }
    return lines


def of(lines: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["kind"] == kind]


async def test_the_copy_holds_everything_with_provenance_and_nothing_of_others(
    api: Api, client: httpx.AsyncClient, stores: Stores, fresh: Fresh, phone: str
) -> None:
    user, cookie, home, bo = fresh("user"), fresh("cookie"), "01082881234", fresh("bo")
    first, second, third, queued = (fresh("m") for _ in range(4))
    context = {"externalIds": [{"type": "landline", "id": home}]}
    traits, seen = {"name": "Anna", "phone": phone}, {"type": "track", "event": "Seen"}
    results = await api.ingest(
        {"type": "identify", "messageId": first, "userId": user, "traits": traits, "context": context},
        {**seen, "messageId": second, "anonymousId": cookie, "properties": {"note": "mine"}},
    )
    await api.ingest(
        {**seen, "messageId": third, "userId": user, "anonymousId": cookie},
        {**seen, "messageId": fresh("m"), "userId": bo, "context": context},
    )
    await api.upsert(user_id=user)
    item = {"type": "track", "event": "Lost", "messageId": queued, "userId": user, "properties": {"a": 1}}
    other = {**item, "messageId": fresh("m"), "userId": bo}
    for message in (item, other):
        envelope = {"receivedAt": format_time(START), "source": "till", "sentAt": None, "items": [message]}
        await stores.redis.xadd(DEAD_KEY, {"b": body(envelope, "broken", format_time(START), 0)})  # type: ignore[arg-type]

    lines = await file(api, client, identifier={"type": "phone", "value": phone})

    survivor, former = results[0]["oneId"], results[1]["oneId"]
    assert [line["oneId"] for line in of(lines, "customer")] == [survivor]
    assert [line["oneId"] for line in of(lines, "formerOneId")] == [former]
    held = {(line["type"], line["value"]): line for line in of(lines, "identifier")}
    assert set(held) == {("user_id", user), ("phone", f"+86{phone}"), ("anonymous_id", cookie)}
    assert all(line["source"] and line["firstSeenAt"] <= line["lastSeenAt"] for line in held.values())
    attributes = {line["key"]: line for line in of(lines, "attribute")}
    assert (attributes["name"]["value"], attributes["name"]["party"]) == ("Anna", "FIRST")
    assert attributes["name"]["source"]
    assert {line["messageId"] for line in of(lines, "event")} == {first, second, third}
    notes = [line["payload"].get("properties") for line in of(lines, "event") if line["messageId"] == second]
    assert notes == [{"note": "mine"}]
    assert [line["decision"] for line in of(lines, "decision")] == ["CREATED", "CREATED", "MERGED"]
    assert [line["household"] for line in of(lines, "households")] == ["landline:+861082881234"]
    assert [(line["reason"], line["items"]) for line in of(lines, "deadLetter")] == [("broken", [item])]
    assert bo not in str(lines)


async def test_an_export_needs_the_right_to_see_personal_data_and_a_customer(
    api: Api, call_as: CallAs, client: httpx.AsyncClient, fresh: Fresh
) -> None:
    user = fresh("user")
    one_id = await api.upsert(user_id=user)
    reader = await call_as("customers:read")
    assert await reader.code(EXPORT, input={"customer": {"oneId": one_id}}) == "FORBIDDEN"
    answer = (await api(EXPORT, input={"customer": {"oneId": "nobody"}}))["exportCustomer"]
    assert answer == {"operation": None, "userErrors": [{"code": "NOT_FOUND", "field": ["customer"]}]}

    id_ = await started(api, oneId=one_id)
    url = (await api.ended(id_))["resultUrl"]
    assert (await client.get(url, headers=reader.headers)).status_code == 404
    assert (await client.get(url)).status_code == 401
    assert (await client.get(url, headers=api.headers)).status_code == 200


async def test_exports_of_an_erased_person_are_gone_with_their_bytes(
    api: Api, client: httpx.AsyncClient, stores: Stores, fresh: Fresh
) -> None:
    user, name = fresh("user"), fresh("Anna")
    (result,) = await api.ingest(
        {"type": "identify", "messageId": fresh("m"), "userId": user, "traits": {"name": name}}
    )
    id_ = await started(api, oneId=result["oneId"])
    url = (await api.ended(id_))["resultUrl"]
    assert name in (await client.get(url, headers=api.headers)).text
    assert (await traces(stores, user, name))["graph"] == [user, name]

    answer = (await api(ERASE, input={"customer": {"oneId": result["oneId"]}}))["eraseCustomer"]

    assert answer["userErrors"] == []
    assert (await client.get(url, headers=api.headers)).status_code == 404
    assert (await api(STATE, id=id_))["node"] is None
    assert await traces(stores, user, name) == NOTHING
    assert await chunks(stores) == 0


async def chunks(stores: Stores) -> int:
    rows = await stores.graph.read(
        "test",
        "MATCH (c:OperationChunk) WHERE NOT EXISTS { MATCH (o:Operation {id: c.operation}) } RETURN count(c) AS n",
    )
    count: int = rows[0]["n"]
    return count
