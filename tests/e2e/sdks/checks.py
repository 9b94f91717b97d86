"""What must be stored of the calls that the clients in this folder make."""

from datetime import UTC, datetime, timedelta
from typing import Any

from graph.client import Graph

TYPES = ["alias", "group", "identify", "page", "screen", "track"]


def check_events(stored: list[dict[str, Any]], who: str) -> None:
    """One call of each type, as the clients in this folder make them."""
    assert [event["type"] for event in stored] == TYPES
    payloads = {event["type"]: event["payload"] for event in stored}
    assert len({event["messageId"] for event in stored}) == len(TYPES)
    assert payloads["alias"]["previousId"] == f"{who}-a1"
    assert payloads["alias"]["userId"] == f"{who}-u1"
    assert payloads["group"]["groupId"] == f"{who}-g1"
    assert payloads["page"]["name"] == "Home"
    assert payloads["screen"]["name"] == "Cart"
    assert payloads["page"]["properties"]["path"] == "/"
    identify = payloads["identify"]
    traits = identify.get("traits") or identify["context"]["traits"]
    assert traits == {"email": f"{who}@example.com", "name": "林女士"}
    track = payloads["track"]
    assert (track["event"], track["properties"]["total"]) == ("Order Completed", 12.5)
    assert track["anonymousId"] == f"{who}-a1"
    assert not track.get("userId")


def check_identities(stored: list[dict[str, Any]], who: str) -> None:
    """The known person is one customer; the anonymous one stays apart: alias merges nobody by itself."""
    by_type = {event["type"]: event for event in stored}
    assert f"email:{who}@example.com" in by_type["identify"]["identifiers"]
    assert by_type["track"]["identifiers"] == [f"anonymous_id:{who}-a1"]
    known = {by_type[kind]["customer"] for kind in ("identify", "page", "screen", "group", "alias")}
    assert len(known) == 1
    assert by_type["track"]["customer"] not in known


def check_times(stored: list[dict[str, Any]]) -> None:
    now = datetime.now(UTC)
    for event in stored:
        for field in ("timestamp", "receivedAt"):
            assert abs(datetime.fromisoformat(event[field]) - now) < timedelta(minutes=2)


def check_all(stored: list[dict[str, Any]], who: str) -> None:
    check_events(stored, who)
    check_identities(stored, who)
    check_times(stored)


def traits_of(who: str) -> dict[str, str]:
    return {"email": f"{who}@example.com", "name": "林女士"}


def check_visit(stored: list[dict[str, Any]], who: str) -> None:
    """What a visitor of a page did before and after the sign-in: one call of each type that the library has."""
    by_type = {event["type"]: event for event in stored}
    assert len({event["messageId"] for event in stored}) == len(by_type) == len(stored)
    visitor, user = f"anonymous_id:{who}-a1", f"user_id:{who}-u1"
    track, identify, page = by_type["track"], by_type["identify"], by_type["page"]
    assert (track["name"], track["payload"]["properties"]["total"]) == ("Order Completed", 12.5)
    assert track["identifiers"] == [visitor]
    traits = identify["payload"].get("traits") or identify["payload"]["context"]["traits"]
    assert traits == traits_of(who)
    assert set(identify["identifiers"]) == {visitor, user, f"email:{who}@example.com"}
    assert (page["name"], page["payload"]["properties"]["path"]) == ("Home", "/")
    assert {visitor, user} <= set(page["identifiers"])
    assert by_type["group"]["payload"]["groupId"] == f"{who}-g1"
    if "alias" in by_type:
        assert by_type["alias"]["payload"]["previousId"] == f"{who}-a1"
    if "screen" in by_type:
        assert by_type["screen"]["name"] == "Cart"
    check_times(stored)


async def check_one_customer(graph: Graph, *keys: str) -> None:
    """All these identifiers belong to one customer in the end."""
    query = "MATCH (i:Identifier)-[:IDENTIFIES]->(c:Customer) WHERE i.key IN $keys RETURN i.key AS key, c.oneId AS id"
    rows = await graph.read("test.owners", query, keys=[*keys])
    assert {row["key"] for row in rows} == set(keys)
    assert len({row["id"] for row in rows}) == 1
