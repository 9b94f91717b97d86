"""Segments as files and from files, and what changed between two of them."""

import csv
import io
from typing import Any

import httpx
import orjson
import pytest

from tests.graphql_api import UPSERT, Api, CallAs, Fresh
from tests.integration.graphql.test_graphql_segments import DEFINE, UPDATE, created, in_it, person

pytestmark = pytest.mark.usefixtures("consumer", "worker")

EXPORT = """
mutation E($input: ExportSegmentInput!) {
  exportSegment(input: $input) { operation { id } userErrors { code field } }
}
"""
IMPORT = """
mutation I($input: ImportMembersInput!) { importMembers(input: $input) { found userErrors { code field } } }
"""
DIFF = """
query D($a: ID!, $b: ID!) { segmentDiff(a: $a, b: $b) {
  added removed stayed addedCustomers { nodes { oneId } } removedCustomers { nodes { oneId } }
} }
"""


async def exported(api: Api, client: httpx.AsyncClient, **given: Any) -> tuple[str, dict[str, Any]]:
    answer = (await api(EXPORT, input=given))["exportSegment"]
    assert answer["userErrors"] == []
    state = await api.ended(answer["operation"]["id"])
    assert state["status"] == "COMPLETED", state
    response = await client.get(state["resultUrl"], headers=api.headers)
    assert response.status_code == 200
    return response.text, state["result"]


async def people(api: Api, fresh: Fresh, attribute: str, *values: Any) -> dict[str, str]:
    """ONE-IDs by the user id of customers with these values."""
    await api(DEFINE, input={"key": attribute, "type": "STRING"})
    found = dict[str, str]()
    for value in values:
        user = fresh("u")
        identifiers = [{"type": "user_id", "value": user}]
        await api(UPSERT, input={"identifiers": identifiers, "set": {attribute: value}})
        (result,) = await api.ingest({"type": "track", "event": "Came", "userId": user}, wait="INDEXED")
        found[user] = result["oneId"]
    return found


async def test_a_segment_is_written_as_rows_that_no_spreadsheet_takes_for_formulas(
    api: Api, client: httpx.AsyncClient, fresh: Fresh, name: str
) -> None:
    known = await people(api, fresh, name, '=HYPERLINK("x")', '上海, "浦东"')
    segment = await created(api, fresh("s"), rule={"attribute": {"key": name, "op": "EXISTS"}})

    text, result = await exported(
        api, client, segment=segment["id"], format="CSV", attributes=[name], identifiers=["user_id"]
    )

    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["oneId", "user_id", name]
    first, second = known
    assert sorted(rows[1:]) == sorted(
        [[known[first], first, '\'=HYPERLINK("x")'], [known[second], second, '上海, "浦东"']]
    )
    assert result == {"members": 2}


async def test_objects_hold_no_personal_data_for_those_who_may_not_read_it(
    api: Api, call_as: CallAs, client: httpx.AsyncClient, fresh: Fresh, name: str
) -> None:
    known = await people(api, fresh, name, "dry")
    secret = f"{name}_secret"
    await api(DEFINE, input={"key": secret, "type": "STRING", "pii": True})
    (user,) = known
    identifiers = [{"type": "user_id", "value": user}]
    await api(UPSERT, input={"identifiers": identifiers, "set": {secret: "x"}})
    rule = {"attribute": {"key": name, "op": "EQ", "value": "dry"}}
    given = {"rule": rule, "format": "NDJSON", "attributes": [name, secret], "identifiers": ["user_id"]}

    whole = orjson.loads((await exported(api, client, **given))[0])
    reader = await call_as("customers:read")
    masked = orjson.loads((await exported(reader, client, rule=rule, format="NDJSON", attributes=[name]))[0])
    by_default = orjson.loads((await exported(reader, client, rule=rule, format="NDJSON"))[0])

    assert whole == {
        "oneId": known[user],
        "identifiers": {"user_id": [user]},
        "attributes": {name: "dry", secret: "x"},
    }
    assert masked == {"oneId": known[user], "identifiers": {}, "attributes": {name: "dry"}}
    assert secret not in by_default["attributes"]
    for asked, place in (
        ({"identifiers": ["user_id"]}, ["identifiers"]),
        ({"attributes": [name, secret]}, ["attributes", "1"]),
        ({"attributes": ["undeclared"]}, ["attributes", "0"]),
    ):
        (error,) = await reader.errors(EXPORT, input={"rule": rule, "format": "CSV", **asked})
        assert (error["extensions"]["code"], error["extensions"]["field"]) == ("FORBIDDEN", place)
    refused = (await api(EXPORT, input={"format": "CSV"}))["exportSegment"]
    assert [(e["code"], e["field"]) for e in refused["userErrors"]] == [("INVALID", ["segment"])]


async def test_two_snapshots_tell_who_came_and_who_went(api: Api, fresh: Fresh, name: str) -> None:
    one, two, three = [await person(api, fresh) for _ in range(3)]
    live = await created(api, fresh("l"), members=[{"oneId": one}, {"oneId": two}])
    rule = {"segment": live["id"]}
    monday = await created(api, fresh("m"), kind="SNAPSHOT", rule=rule)
    change = {"id": live["id"], "add": [{"oneId": three}], "remove": [{"oneId": one}]}
    await api(UPDATE, input=change)
    tuesday = await created(api, fresh("t"), kind="SNAPSHOT", rule=rule)

    diff = (await api(DIFF, a=monday["id"], b=tuesday["key"]))["segmentDiff"]

    assert (diff["added"], diff["removed"], diff["stayed"]) == (1, 1, 1)
    assert diff["addedCustomers"]["nodes"] == [{"oneId": three}]
    assert diff["removedCustomers"]["nodes"] == [{"oneId": one}]


async def test_a_list_takes_whom_a_file_names_and_tells_the_lines_that_it_left_out(
    api: Api, fresh: Fresh, name: str
) -> None:
    known = await people(api, fresh, name, "a", "b")
    segment = await created(api, fresh("list"))
    first, second = known
    lines = f"type,value\nuser_id,{first}\nuser_id,nobody-{name}\nuser_id,{second}\nuser_id,{first}\n"
    for _ in range(2):
        done = (await api(IMPORT, input={"segment": segment["key"], "csv": lines}))["importMembers"]
        assert done == {"found": 2, "userErrors": [{"code": "NOT_FOUND", "field": ["csv", "3", "value"]}]}
    query = "query S($key: String) { segment(key: $key) { members { nodes { oneId } } } }"
    assert in_it((await api(query, key=segment["key"]))["segment"]) == set(known.values())
    broken = (await api(IMPORT, input={"segment": segment["key"], "csv": "a,b\n"}))["importMembers"]
    assert broken["userErrors"] == [{"code": "INVALID", "field": ["csv", "1"]}]


async def test_a_file_goes_onto_no_list_but_a_static_one_that_there_is(api: Api, name: str) -> None:
    segment = await created(api, name, rule={"event": {"name": name}})
    for lines in ("type,value\n", f"type,value\nuser_id,nobody-{name}\n"):
        done = (await api(IMPORT, input={"segment": segment["key"], "csv": lines}))["importMembers"]
        assert done == {"found": 0, "userErrors": [{"code": "CONFLICT", "field": ["segment"]}]}
    missing = [{"code": "NOT_FOUND", "field": ["segment"]}]
    done = (await api(IMPORT, input={"segment": "nope", "csv": "type,value\n"}))["importMembers"]
    assert done["userErrors"] == missing
    begun = (await api(EXPORT, input={"segment": "nope", "format": "CSV"}))["exportSegment"]
    assert begun["userErrors"] == missing


async def test_a_comparison_with_a_segment_that_there_is_not_tells_which(api: Api, name: str) -> None:
    segment = await created(api, name)
    for asked, place in (({"a": "nope", "b": segment["id"]}, "a"), ({"a": segment["id"], "b": "nope"}, "b")):
        (error,) = await api.errors(DIFF, **asked)
        assert (error["extensions"]["code"], error["extensions"]["field"]) == ("NOT_FOUND", [place])
