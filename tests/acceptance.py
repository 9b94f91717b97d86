"""What acceptance scenarios do: calls of the public API, with names of their own, by the deployment's clock."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.graphql_api import UPSERT, Api

ADVANCE = """
mutation Advance($input: AdvanceClockInput!) { advanceClock(input: $input) { userErrors { code message } } }
"""
FIND = """
query Find($rule: SegmentRule!, $after: String) {
  customers(rule: $rule, first: 100, after: $after) {
    totalCount nodes { oneId } pageInfo { hasNextPage endCursor }
  }
}
"""
CREATE = """
mutation Create($input: CreateSegmentInput!) {
  createSegment(input: $input) { segment { id key count } userErrors { code field message } }
}
"""
TRANSITIONS = """
query Transitions($key: String!) {
  segment(key: $key) { count transitions(first: 100) { nodes { kind at oneId } } }
}
"""


class Brand:
    """One scenario's brand. Names end in what only it uses."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.run = uuid4().hex[:8]

    def name(self, what: str) -> str:
        """A name of an event, a key or an attribute."""
        return f"{what}_{self.run}"

    async def now(self) -> datetime:
        """The business time."""
        return datetime.fromisoformat((await self.api("{ clock { now } }"))["clock"]["now"])

    async def advance(self, **by: float) -> None:
        """Moves the clock: `days=1, minutes=-1`."""
        to = await self.now() + timedelta(**by)
        answer = (await self.api(ADVANCE, input={"to": to.isoformat()}))["advanceClock"]
        assert answer["userErrors"] == []

    async def send(self, who: Mapping[str, str], *told: dict[str, Any]) -> str:
        """Sends events of one person, `ago` days back, and returns the ONE-ID once they are indexed."""
        now = await self.now()
        items = [
            {"type": "track", **who, **rest, "timestamp": (now - timedelta(days=ago)).isoformat()}
            for ago, rest in (split(one) for one in told)
        ]
        results = await self.api.ingest(*items, wait="INDEXED")
        assert {result["status"] for result in results} == {"INDEXED"}
        (one_id,) = {result["oneId"] for result in results}
        return str(one_id)

    def user(self) -> dict[str, str]:
        """Somebody new, known by a user id."""
        return {"userId": f"u-{uuid4().hex[:12]}"}

    def visitor(self) -> dict[str, str]:
        """Somebody new, anonymous."""
        return {"anonymousId": f"a-{uuid4().hex[:12]}"}

    async def upsert(self, user: Mapping[str, str], **given: Any) -> dict[str, Any]:
        """The payload of upsertCustomer."""
        identifiers = [{"type": "user_id", "value": user["userId"]}]
        answer = await self.api(UPSERT, input={"identifiers": identifiers, **given})
        payload: dict[str, Any] = answer["upsertCustomer"]
        return payload

    async def do(self, mutation: str, given: Mapping[str, Any], fields: str = "") -> dict[str, Any]:
        """The payload of a mutation without user errors."""
        payload = await self.payload(mutation, given, fields)
        assert payload["userErrors"] == []
        return payload

    async def payload(self, mutation: str, given: Mapping[str, Any], fields: str = "") -> dict[str, Any]:
        """The payload of a mutation."""
        kind = f"{mutation[0].upper()}{mutation[1:]}Input"
        query = f"""
            mutation M($input: {kind}!) {{
              {mutation}(input: $input) {{ {fields} userErrors {{ code field message }} }}
            }}
        """
        payload: dict[str, Any] = (await self.api(query, input=dict(given)))[mutation]
        return payload

    async def find(self, rule: Mapping[str, Any]) -> set[str]:
        """Everybody for whom a rule is true."""
        found, after = set[str](), None
        while True:
            page = (await self.api(FIND, rule=rule, after=after))["customers"]
            found |= {node["oneId"] for node in page["nodes"]}
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                assert page["totalCount"] == len(found)
                return found

    async def segment(self, key: str, rule: Mapping[str, Any]) -> str:
        """The id of a new segment."""
        given = {"key": key, "name": key, "rule": rule}
        segment: dict[str, Any] = (await self.do("createSegment", given, "segment { id }"))["segment"]
        return str(segment["id"])

    async def moves(self, key: str) -> list[tuple[str, str, datetime]]:
        """Who entered and left a segment: what, who, when."""
        found = (await self.api(TRANSITIONS, key=key))["segment"]["transitions"]["nodes"]
        return [(one["kind"], one["oneId"], datetime.fromisoformat(one["at"])) for one in found]

    async def tags(self, one_id: str) -> set[str]:
        """The paths of a customer's tags."""
        query = "query T($id: String!) { customer(by: { oneId: $id }) { oneId tags { tag { path } } } }"
        found = (await self.api(query, id=one_id))["customer"]
        assert found["oneId"] == one_id
        return {held["tag"]["path"] for held in found["tags"]}


def split(told: Mapping[str, Any]) -> tuple[float, dict[str, Any]]:
    """How many days ago, and the rest of an event."""
    rest = {key: value for key, value in told.items() if key != "ago"}
    return told.get("ago", 0), rest


def event(name: str, *, ago: float = 0, **properties: Any) -> dict[str, Any]:
    """An event so many days ago."""
    return {"event": name, "ago": ago, "properties": properties}
