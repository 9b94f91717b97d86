"""One scenario of the identity rules, driven through GraphQL alone: events in, the whole partition out."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any, Final

from tests.graphql_api import INGEST, Api
from tests.scenario_names import Names, event

FIELDS: Final = "oneId formerOneIds version identifiers { type value firstSeenAt lastSeenAt verified }"
KNOWN: Final = """
query Known($by: CustomerLookup!) {
  customer(by: $by) { attributes { key value source } events(first: 100) { nodes { messageId } totalCount } }
}
"""
DECISIONS: Final = """
query Decisions($messageId: String, $oneId: String, $kind: IdentityDecisionKind) {
  identityDecisions(messageId: $messageId, oneId: $oneId, kind: $kind, first: 100) {
    nodes {
      kind at messageId ruleVersion oneId mergedOneIds manual reason splitOneId fromOneId sticky
      kept { type value } dropped { type value }
    }
  }
}
"""
WHY: Final = """
query Why($a: CustomerLookup!, $b: CustomerLookup!) {
  why(a: $a, b: $b) {
    sameCustomer
    path { from { type value } to { type value } messageId decision { kind } }
    keptApartBy { kind reason messageId kept { type value } dropped { type value } }
  }
}
"""
RULES: Final = """
mutation Rules($input: UpdateIdentityRulesInput!) {
  updateIdentityRules(input: $input) { identityRules { version } userErrors { code field } }
}
"""


class Scenario:
    """Identifiers go by short names (`u1`, `a1`, `p1`); events are m1, m2 ... in the order of sending."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.names = Names()
        self._numbers = itertools.count(1)

    async def rules(self, **change: Any) -> int:
        """The defaults with this change; the version of the rules."""
        answer = (await self.api(RULES, input={"reset": True, **change}))["updateIdentityRules"]
        assert answer["userErrors"] == []
        version: int = answer["identityRules"]["version"]
        return version

    def event(self, text: str, **more: Any) -> dict[str, Any]:
        """A message, which gets its messageId when it is sent; see `scenario_names.event`."""
        return event(self.names, text, **more)

    async def send(self, *events: str | dict[str, Any], wait: str = "RESOLVED") -> list[str]:
        """Sends one after the other, each by itself; the ONE-ID answered for each, "" for nobody's."""
        return [await self.one(given, wait=wait) for given in events]

    async def together(self, *events: str | dict[str, Any]) -> list[str]:
        """Sends all at once, each by itself."""
        made = [self.event(e) if isinstance(e, str) else e for e in events]
        return list(await asyncio.gather(*map(self.one, made)))

    async def one(self, given: str | dict[str, Any], *, wait: str = "RESOLVED") -> str:
        item = self.event(given) if isinstance(given, str) else given
        result = await self.result(item, wait=wait)
        assert (result["status"], result["userErrors"]) == (wait, [])
        return result["oneId"] or ""

    async def result(self, item: dict[str, Any], *, wait: str = "RESOLVED") -> dict[str, Any]:
        """What ingestEvents answers for one message."""
        if "messageId" not in item:
            item["messageId"] = self.names.message_id(f"m{next(self._numbers)}")
        answer = (await self.api(INGEST, input={"events": [item], "wait": wait}))["ingestEvents"]
        assert answer["userErrors"] == []
        (result,) = answer["results"]
        found: dict[str, Any] = result
        return found

    def by(self, name: str) -> dict[str, Any]:
        """A lookup by a short name, or by a ONE-ID."""
        return {"identifier": self.names.lookup(name)} if len(name) == 2 else {"oneId": name}

    async def customer(self, name: str) -> dict[str, Any] | None:
        """The customer with this short name or ONE-ID."""
        (found,) = await self.customers(name)
        return found

    async def customers(self, *names: str) -> list[dict[str, Any] | None]:
        """The customers with these short names or ONE-IDs, in one look."""
        numbers = range(len(names))
        given = ", ".join(f"$by{n}: CustomerLookup!" for n in numbers)
        fields = " ".join(f"c{n}: customer(by: $by{n}) {{ {FIELDS} }}" for n in numbers)
        by = {f"by{n}": self.by(name) for n, name in enumerate(names)}
        found = await self.api(f"query Customers({given}) {{ {fields} }}", **by)
        return [found[f"c{n}"] for n in numbers]

    async def one_id(self, name: str) -> str:
        """The ONE-ID that this leads to; "" if to nobody."""
        found = await self.customer(name)
        return found["oneId"] if found else ""

    async def partition(self) -> set[str]:
        """The identifiers of each customer, as "a1 u1", looked up by every identifier that was used.

        Fails if customers disagree: an identifier that two have, a former ONE-ID that leads elsewhere.
        """
        owners = await self.customers(*self.names.used())
        by_id = {owner["oneId"]: self.names.of(owner["identifiers"]) for owner in owners if owner}
        for name, owner in zip(self.names.used(), owners, strict=True):
            having = [text for text in by_id.values() if name in text.split()]
            assert having == ([by_id[owner["oneId"]]] if owner else []), name
        for owner in {owner["oneId"]: owner for owner in owners if owner}.values():
            leads = await self.customers(owner["oneId"], *owner["formerOneIds"])
            assert all(lead and lead["oneId"] == owner["oneId"] for lead in leads)
        return set(by_id.values())

    async def log(self, **of: Any) -> list[dict[str, Any]]:
        """The audit's entries: `message="m1"`, `one_id`, `kind`."""
        message = self.names.message_id(of["message"]) if "message" in of else None
        asked = {"messageId": message, "oneId": of.get("one_id"), "kind": of.get("kind")}
        found: list[dict[str, Any]] = (await self.api(DECISIONS, **asked))["identityDecisions"]["nodes"]
        return found

    async def decisions(self, message: str) -> list[str]:
        """What was decided on a message, sorted, as "ADDED a1 u1" or "DEMOTED u2 - p1 (LIMIT)"."""
        return sorted(map(self.told, await self.log(message=message)))

    def told(self, entry: dict[str, Any]) -> str:
        """One entry in short."""
        kept, dropped = self.names.of(entry["kept"]), self.names.of(entry["dropped"])
        parts = (entry["kind"], kept, dropped and f"- {dropped}", entry["reason"] and f"({entry['reason']})")
        return " ".join(filter(None, parts))

    async def why(self, a: str, b: str) -> dict[str, Any]:
        answer: dict[str, Any] = (await self.api(WHY, a=self.by(a), b=self.by(b)))["why"]
        return answer

    async def path(self, a: str, b: str) -> list[str]:
        """The path of evidence, as "a1 u1 m1"; the messages of "kept apart" never stand in one."""
        answer = await self.why(a, b)
        assert answer["sameCustomer"]
        assert answer["keptApartBy"] is None
        return [
            " ".join((self.names.short(s["from"]), self.names.short(s["to"]), self.message(s["messageId"])))
            for s in answer["path"]
        ]

    async def apart(self, a: str, b: str) -> str | None:
        """What keeps two apart, in short."""
        answer = await self.why(a, b)
        assert (answer["sameCustomer"], answer["path"]) == (False, [])
        return self.told(answer["keptApartBy"]) if answer["keptApartBy"] else None

    def message(self, message_id: str | None) -> str:
        """The short name of a messageId; "by hand" where there is none."""
        return message_id.partition("-")[0] if message_id else "by hand"

    async def attributes(self, name: str) -> dict[str, Any]:
        known = (await self.api(KNOWN, by=self.by(name)))["customer"]
        return {entry["key"]: entry["value"] for entry in known["attributes"]}

    async def events(self, name: str) -> list[str]:
        """The customer's messages by short name, in alphabetical order. Send with INDEXED before."""
        found = (await self.api(KNOWN, by=self.by(name)))["customer"]["events"]
        assert found["totalCount"] == len(found["nodes"])
        return sorted(self.message(node["messageId"]) for node in found["nodes"])


Fresh = Callable[[], Scenario]
"""Makes another scenario, with other identifiers."""


async def in_every_order(
    fresh: Fresh, events: list[str], check: Callable[[Scenario], Awaitable[None]]
) -> None:
    """Plays the events in every order, and all at once, each time with other identifiers."""

    async def serial(order: tuple[str, ...]) -> None:
        scene = fresh()
        await scene.send(*order)
        await check(scene)

    async def parallel() -> None:
        scene = fresh()
        await scene.together(*events)
        await check(scene)

    orders = sorted(set(itertools.permutations(events)))
    await asyncio.gather(*map(serial, orders), parallel(), parallel())
