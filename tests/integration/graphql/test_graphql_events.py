"""Ingesting events and reading them back."""

import pytest

from tests.graphql_api import INGEST, UPSERT, Api, CallAs, Fresh

pytestmark = pytest.mark.usefixtures("consumer")

EVENTS = """
query Events($by: CustomerLookup!, $names: [String!], $since: DateTime, $until: DateTime, $first: Int, $after: String) {
  customer(by: $by) {
    events(names: $names, since: $since, until: $until, first: $first, after: $after) {
      totalCount
      edges { cursor node { id messageId type name timestamp receivedAt source channel properties } }
      nodes { messageId }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
}
"""

TOTALS = """
query Totals($names: [String!], $sum: String, $group: EventGroup, $since: DateTime, $until: DateTime) {
  eventTotals(names: $names, sum: $sum, groupBy: $group, since: $since, until: $until) { key events customers sum }
}
"""


async def test_accepted_events_have_no_customer_yet(api: Api, fresh: Fresh) -> None:
    message_id = fresh("m")
    (result,) = await api.ingest(
        {"type": "page", "messageId": message_id, "userId": fresh("u")}, wait="ACCEPTED"
    )
    assert result == {
        "index": 0,
        "messageId": message_id,
        "status": "ACCEPTED",
        "oneId": None,
        "userErrors": [],
    }


async def test_resolved_events_name_their_customer_and_doubles_say_so(api: Api, fresh: Fresh) -> None:
    event = {"type": "track", "event": "Seen", "messageId": fresh("m"), "userId": fresh("u")}
    (first,) = await api.ingest(event)
    (second,) = await api.ingest(event)
    assert (first["status"], second["status"]) == ("RESOLVED", "DUPLICATE")
    found = await api("query C($id: String!) { customer(by: { oneId: $id }) { oneId } }", id=first["oneId"])
    assert found["customer"] == {"oneId": first["oneId"]}


async def test_one_bad_event_refuses_only_itself(api: Api, fresh: Fresh) -> None:
    good = {"type": "page", "userId": fresh("u")}
    results = await api.ingest(good, {"type": "track", "userId": "u"}, {"type": "page"}, 7, good)
    assert [result["status"] for result in results] == [
        "RESOLVED",
        "REJECTED",
        "REJECTED",
        "REJECTED",
        "RESOLVED",
    ]
    assert [result["index"] for result in results] == [0, 1, 2, 3, 4]
    assert results[2]["userErrors"][0]["code"] == "NO_USER_ANON_ID"
    for result in results[1:4]:
        (error,) = result["userErrors"]
        assert error["field"][:2] == ["events", str(result["index"])]


async def test_a_batch_that_is_none_or_too_long_is_refused_whole(api: Api) -> None:
    assert await api.code(INGEST, input={"events": {"type": "page"}}) == "BAD_USER_INPUT"
    answer = (await api(INGEST, input={"events": [{}] * 2501}))["ingestEvents"]
    assert answer["results"] == []
    assert [(e["code"], e["field"]) for e in answer["userErrors"]] == [("TOO_LARGE", ["events"])]


async def test_indexed_events_are_found_at_once_newest_first(api: Api, fresh: Fresh) -> None:
    user, ids = fresh("u"), [fresh("m") for _ in range(5)]
    sent = [
        {
            "type": "track",
            "event": "Viewed" if n % 2 else "Bought",
            "messageId": message_id,
            "userId": user,
            "timestamp": f"2026-03-0{n + 1}T08:00:00Z",
            "context": {"channel": "web"},
            "properties": {"n": n, "email": "anna@x.cn"},
        }
        for n, message_id in enumerate(ids)
    ]
    results = await api.ingest(*sent, wait="INDEXED")
    assert {result["status"] for result in results} == {"INDEXED"}
    by = {"identifier": {"type": "user_id", "value": user}}
    page = (await api(EVENTS, by=by, first=2))["customer"]["events"]
    assert page["totalCount"] == 5
    assert [node["messageId"] for node in page["nodes"]] == [ids[4], ids[3]]
    newest = page["edges"][0]["node"]
    assert (newest["type"], newest["name"], newest["timestamp"]) == (
        "track",
        "Bought",
        "2026-03-05T08:00:00.000Z",
    )
    assert (newest["channel"], newest["source"]) == ("web", "admin")
    assert newest["properties"] == {"n": 4, "email": "anna@x.cn"}


async def test_pages_of_events_walk_through_all_of_them_once(api: Api, fresh: Fresh) -> None:
    user, ids = fresh("u"), [fresh("m") for _ in range(7)]
    at = "2026-03-01T08:00:00Z"
    sent = [{"type": "page", "messageId": i, "userId": user, "timestamp": at} for i in ids]
    await api.ingest(*sent, wait="INDEXED")
    by, seen, after = {"identifier": {"type": "user_id", "value": user}}, list[str](), None
    while True:
        page = (await api(EVENTS, by=by, first=3, after=after))["customer"]["events"]
        seen += [node["messageId"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        assert after == page["edges"][-1]["cursor"]
        assert page["pageInfo"]["hasPreviousPage"] is (len(seen) > 3)
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert sorted(seen) == sorted(ids)


async def test_events_are_filtered_by_name_and_time(api: Api, fresh: Fresh) -> None:
    user = fresh("u")
    for day, name in ((1, "A"), (2, "B"), (3, "A")):
        moment = f"2026-03-0{day}T00:00:00Z"
        await api.ingest(
            {"type": "track", "event": name, "userId": user, "timestamp": moment}, wait="INDEXED"
        )
    by = {"identifier": {"type": "user_id", "value": user}}

    async def days(**wanted: object) -> list[str]:
        found = (await api(EVENTS, by=by, **wanted))["customer"]["events"]["edges"]
        return [edge["node"]["timestamp"][8:10] for edge in found]

    assert await days(names=["A"]) == ["03", "01"]
    assert await days(since="2026-03-02T00:00:00Z") == ["03", "02"]
    assert await days(until="2026-03-02T08:00:00+08:00") == ["01"]
    assert await days(names=[]) == []


async def test_a_customer_without_events_has_an_empty_page(api: Api, fresh: Fresh) -> None:
    one_id = await api.upsert(user_id=fresh("u"))
    page = (await api(EVENTS, by={"oneId": one_id}))["customer"]["events"]
    assert page["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": False,
        "startCursor": None,
        "endCursor": None,
    }
    assert page["totalCount"] == 0


async def test_a_foreign_cursor_is_refused(api: Api, fresh: Fresh) -> None:
    one_id = await api.upsert(user_id=fresh("u"))
    for cursor in ("x", "WyJjdXN0b21lciIsMSwiYSJd"):
        assert await api.code(EVENTS, by={"oneId": one_id}, after=cursor) == "BAD_USER_INPUT"
    for size in (0, -1, 101):
        assert await api.code(EVENTS, by={"oneId": one_id}, first=size) == "BAD_USER_INPUT"


async def test_totals_count_events_and_customers_and_add_money_exactly(api: Api, fresh: Fresh) -> None:
    name, users = fresh("Order"), [fresh("u"), fresh("u")]
    amounts = [0.1, 0.2, 19.99]
    orders = [
        {
            "type": "track",
            "event": name,
            "userId": users[n % 2],
            "properties": {"total": total},
            "timestamp": f"2026-03-0{n + 1}T20:00:00Z",
        }
        for n, total in enumerate(amounts)
    ]
    await api.ingest(*orders, wait="INDEXED")
    (total,) = (await api(TOTALS, names=[name], sum="total"))["eventTotals"]
    assert total == {"key": "", "events": 3, "customers": 2, "sum": "20.29"}
    days = (await api(TOTALS, names=[name], group="DAY"))["eventTotals"]
    assert [(day["key"], day["events"], day["sum"]) for day in days] == [
        ("2026-03-02", 1, None),
        ("2026-03-03", 1, None),
        ("2026-03-04", 1, None),
    ]
    (early,) = (await api(TOTALS, names=[name], until="2026-03-02T00:00:00Z"))["eventTotals"]
    assert early["events"] == 1


async def test_totals_by_a_property_need_its_name_alone_and_the_right_to_see_it(
    api: Api, call_as: CallAs, fresh: Fresh
) -> None:
    query = """
    query T($names: [String!], $group: EventGroup, $by: String) {
      eventTotals(names: $names, groupBy: $group, groupByProperty: $by) { key events }
    }
    """
    name = fresh("Clicked")
    properties = {"campaign": "c1", "contact": {"Email": "anna@x.cn"}}
    event = {"type": "track", "event": name, "userId": fresh("u"), "properties": properties}
    await api.ingest(event, {**event, "properties": {"campaign": "c2"}}, wait="INDEXED")
    reader = await call_as("analytics:read")

    found = (await reader(query, names=[name], by="campaign"))["eventTotals"]
    assert found == [{"key": "c1", "events": 1}, {"key": "c2", "events": 1}]
    assert await reader.code(query, names=[name], by="campaign", group="DAY") == "BAD_USER_INPUT"
    assert await reader.code(query, names=[name], by="contact.Email") == "FORBIDDEN"
    seen = (await api(query, names=[name], by="contact.Email"))["eventTotals"]
    assert seen == [{"key": "", "events": 1}, {"key": "anna@x.cn", "events": 1}]


async def test_an_event_is_found_by_its_global_id(api: Api, fresh: Fresh) -> None:
    user, message_id = fresh("u"), fresh("m")
    await api.ingest({"type": "page", "messageId": message_id, "userId": user}, wait="INDEXED")
    by = {"identifier": {"type": "user_id", "value": user}}
    (edge,) = (await api(EVENTS, by=by))["customer"]["events"]["edges"]
    one_id = await api("query C($by: CustomerLookup!) { customer(by: $by) { id } }", by=by)
    ids = [edge["node"]["id"], one_id["customer"]["id"], "RXZlbnQ6bm9uZQ", "x"]
    text = "query N($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Event { messageId } } }"
    nodes = (await api(text, ids=ids))["nodes"]
    assert nodes == [
        {"__typename": "Event", "id": ids[0], "messageId": message_id},
        {"__typename": "Customer", "id": ids[1]},
        None,
        None,
    ]
    text = "query N($id: ID!) { node(id: $id) { id } }"
    assert (await api(text, id=ids[0]))["node"] == {"id": ids[0]}
    assert (await api(text, id="RXZlbnQ6bm9uZQ"))["node"] is None
    assert (
        await api.code("query N($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=["x"] * 101)
        == "BAD_USER_INPUT"
    )


async def test_more_names_than_are_let_in_are_refused_with_the_argument(api: Api, fresh: Fresh) -> None:
    user = fresh("u")
    await api.upsert(user_id=user)
    by, names = {"identifier": {"type": "user_id", "value": user}}, [f"n{n}" for n in range(101)]
    events = """
    query Q($by: CustomerLookup!, $names: [String!]) { customer(by: $by) { events(names: $names) { totalCount } } }
    """
    for errors in (await api.errors(TOTALS, names=names), await api.errors(events, by=by, names=names)):
        (error,) = errors
        assert (error["extensions"]["code"], error["extensions"]["field"]) == ("BAD_USER_INPUT", ["names"])
    assert (await api(events, by=by, names=names[:100]))["customer"]["events"]["totalCount"] == 0


@pytest.mark.usefixtures("consumer")
async def test_a_text_with_a_nul_is_refused_with_its_path_and_changes_nothing(api: Api, fresh: Fresh) -> None:
    user = fresh("u")
    given = {"identifiers": [{"type": "user_id", "value": user}], "set": {"city": "a\0b"}}
    (error,) = await api.errors(UPSERT, input=given)
    assert (error["extensions"]["code"], error["extensions"]["field"]) == (
        "BAD_USER_INPUT",
        ["input", "set", "city"],
    )
    who = 'query Q($v: String!) { customer(by: {identifier: {type: "user_id", value: $v}}) { oneId } }'
    assert (await api(who, v=user))["customer"] is None
    assert await api.code('{ customer(by: {oneId: "a\\u0000"}) { oneId } }') == "BAD_USER_INPUT"
    good, bad = {"type": "page", "userId": user}, {"type": "page", "userId": "\0"}
    assert [result["status"] for result in await api.ingest(good, bad)] == ["RESOLVED", "REJECTED"]
