"""Identity resolution without a server: messages one after the other on a workspace."""

from datetime import UTC, datetime, timedelta
from typing import Any

from oneid.domain.decisions import Decision, DecisionKind
from oneid.domain.evidence import Prepared, prepare
from oneid.domain.messages import Message, StoredEvent
from oneid.domain.resolution import Resolver
from oneid.domain.rules import IdentityRules
from oneid.domain.workspace import CustomerNode, Workspace

START = datetime(2026, 1, 5, tzinfo=UTC)


class World:
    """A workspace with its rules; each call resolves one message a minute later. `decisions` are those of the last
    message, `log` all of them."""

    def __init__(self, rules: IdentityRules | None = None) -> None:
        numbers = iter(range(1, 1000))
        self.rules = rules or IdentityRules()
        self.space = Workspace(lambda: f"c{next(numbers)}")
        self.count = 0
        self.decisions: list[Decision] = []
        self.log: list[Decision] = []
        self.events: list[StoredEvent] = []

    def send(self, at: timedelta | None = None, **payload: Any) -> str | None:
        prepared = self.prepared(at, payload)
        resolution = Resolver(self.space, self.rules).resolve(prepared)
        self.decisions = resolution.decisions
        self.log += resolution.decisions
        self.events.append(
            StoredEvent(prepared.message, resolution.one_id, resolution.keys, resolution.sequence)
        )
        return resolution.one_id

    def expose(self, **payload: Any) -> list[Decision]:
        """Only counts with what the values of a message were seen."""
        return Resolver(self.space, self.rules).expose(self.prepared(None, payload))

    def prepared(self, at: timedelta | None, payload: dict[str, Any]) -> Prepared:
        self.count += 1
        moment = START + (at if at is not None else timedelta(minutes=self.count))
        kind = payload.pop("type", "track")
        received = START + timedelta(days=30)
        message = Message(f"m{self.count}", kind, kind, moment, received, None, "web", payload)
        return prepare(message, self.rules, "CN")

    def kinds(self) -> list[DecisionKind]:
        return [decision.kind for decision in self.decisions]

    def owner(self, key: str) -> str | None:
        node = self.space.identifiers.get(key)
        return node.owner if node else None

    def customer(self, one_id: str | None) -> CustomerNode:
        return self.space.customers[one_id or ""]

    def parts(self) -> set[frozenset[str]]:
        """The identifiers of each customer that has any."""
        customers = self.space.customers.values()
        return {frozenset(customer.identifiers) for customer in customers if customer.identifiers}


def external(*pairs: tuple[str, str], **context: Any) -> dict[str, Any]:
    return {**context, "externalIds": [{"type": kind, "id": value} for kind, value in pairs]}


def device(value: str, **context: Any) -> dict[str, Any]:
    return {**context, "device": {"id": value}}
