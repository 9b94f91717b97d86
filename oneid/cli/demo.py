"""`oneid demo`: a brand's story, told through the public interfaces and read back over GraphQL."""

import time
from decimal import Decimal
from typing import Any, Final

import typer
from rich.console import Console
from rich.table import Table

from oneid.cli import story
from oneid.cli.graphql import GraphQLClient
from oneid.cli.output import errors_as_sentences, out
from oneid.cli.running import running_up
from oneid.cli.story import Key
from oneid.cli.telling import Teller
from oneid.clock import monotonic
from oneid.embedded.state import State
from oneid.errors import Conflict
from oneid.settings import Settings

WAIT_SECONDS: Final = 120
tables = Console(highlight=False)

WHO: Final = """
query Who($by: CustomerLookup!) {
  customer(by: $by) {
    oneId formerOneIds
    identifiers { type value firstSeenAt verified source }
    attributes { key value source updatedAt }
    events(first: 100) { nodes { messageId name timestamp properties } }
    decisions(first: 100) {
      nodes { kind at messageId oneId mergedOneIds kept { type value } dropped { type value } reason }
    }
  }
}
"""

WHY: Final = """
query Why($a: CustomerLookup!, $b: CustomerLookup!) {
  why(a: $a, b: $b) {
    sameCustomer
    path { from { type value } to { type value } messageId at }
    keptApartBy { kind messageId reason dropped { type value } }
  }
}
"""


def demo() -> None:
    """Tell how seven fragments of one person become one customer while a shared tablet merges nobody."""
    with errors_as_sentences():
        settings = Settings()
        with running_up(settings, out.print) as current:
            true = _tell(settings, current)
    if not true:
        raise typer.Exit(1)


def _tell(settings: Settings, current: State) -> bool:
    if current.mode == "live":
        raise Conflict("the story is for a sandbox: this oneid is live")
    url = current.urls["api"]
    with GraphQLClient(url, current.keys["admin"]) as graphql:
        teller = Teller(url, current.keys["write"], graphql, settings.timezone)
        out.print("Seven places see somebody. Nobody knows that it is one person.")
        teller.tell(story.APART)
        teller.import_receipts()
        out.print("Then WeChat, a phone number and a sign-in link them, one message at a time.")
        teller.tell(story.TOGETHER)
        out.print("And three people use the same tablet in a store.")
        teller.tell(story.AT_THE_TABLET)
        return _show(Reader(graphql))


class Reader:
    """What the API says about the people of the story."""

    def __init__(self, graphql: GraphQLClient) -> None:
        self._graphql = graphql

    def customer(self, key: Key) -> dict[str, Any] | None:
        """The customer that an identifier names, with all there is to know."""
        found: dict[str, Any] | None = self._graphql.ask(WHO, by=_lookup(key))["customer"]
        return found

    def why(self, a: Key, b: Key) -> dict[str, Any]:
        """What makes two identifiers one customer, or keeps them apart."""
        answer: dict[str, Any] = self._graphql.ask(WHY, a=_lookup(a), b=_lookup(b))["why"]
        return answer

    def settled(self) -> list[dict[str, Any] | None]:
        """The owners of all identifiers of the story, once its last message has been resolved."""
        keys = [*story.FRAGMENTS.values(), *story.STRANGERS.values(), story.TABLET]
        deadline = monotonic() + WAIT_SECONDS
        while True:
            found = [self.customer(key) for key in keys]
            if _is_over(found) or monotonic() > deadline:
                return found
            time.sleep(0.2)


def _is_over(found: list[dict[str, Any] | None]) -> bool:
    """The seven are one, whose last message, at the tablet, is among its events; the strangers are there."""
    if None in found or len({customer["oneId"] for customer in found[:7] if customer}) > 1:
        return False
    one = found[0] or {}
    return story.AT_THE_TABLET[-1].message_id in {event["messageId"] for event in one["events"]["nodes"]}


def _show(reader: Reader) -> bool:
    """Prints the outcome; whether it is the one that the story promises."""
    found = [customer for customer in reader.settled() if customer]
    people = {customer["oneId"] for customer in found}
    if len(found) < len(story.FRAGMENTS) + len(story.STRANGERS) + 1:
        out.print("not all messages were resolved in time; run the demo again")
        return False
    one = found[0]
    _show_fragments(one)
    _show_links(one)
    _show_customer(one)
    _show_evidence(reader.why(story.PC, story.PHONE))
    _show_tablet(reader, found[7:])
    fragments = {customer["oneId"] for customer in found[:7]}
    out.print(
        f"\nSeven fragments are {len(fragments)} customer, {one['oneId']}. "
        f"The tablet merged nobody: {len(people)} people used it, {len(people)} customers."
    )
    return len(fragments) == 1 and len(people) == 1 + len(story.STRANGERS)


def _show_fragments(one: dict[str, Any]) -> None:
    table = Table("where", "identifier", "first seen", "ONE-ID at first", title="Seven fragments")
    created = [decision for decision in one["decisions"]["nodes"] if decision["kind"] == "CREATED"]
    for where, key in story.FRAGMENTS.items():
        first = next((d for d in created if key in _keys(d["kept"])), None)
        linked = next(i for i in one["identifiers"] if (i["type"], i["value"]) == key)
        table.add_row(where, _text(key), linked["firstSeenAt"], first["oneId"] if first else "?")
    tables.print(table)


def _show_links(one: dict[str, Any]) -> None:
    steps = {step.message_id: step for step in (*story.APART, *story.TOGETHER)}
    table = Table("message", "what happened", "decision", "on the evidence of", "merged away")
    table.title = "What linked them"
    for decision in one["decisions"]["nodes"]:
        step = steps.get(decision["messageId"])
        if decision["kind"] in ("ADDED", "MERGED") and step:
            kept = "\n".join(_text(key) for key in _keys(decision["kept"]))
            merged = "\n".join(decision["mergedOneIds"])
            table.add_row(step.message_id, f"{step.what} ({step.way})", decision["kind"], kept, merged)
    tables.print(table)


def _show_customer(one: dict[str, Any]) -> None:
    table = Table("what", "value", "source", title=f"Customer {one['oneId']}")
    for found in one["identifiers"]:
        proven = " (proven)" if found["verified"] else ""
        table.add_row(found["type"], found["value"] + proven, found["source"])
    table.add_section()
    for attribute in one["attributes"]:
        table.add_row(attribute["key"], str(attribute["value"]), attribute["source"])
    table.add_section()
    events = one["events"]["nodes"]
    orders = [event for event in events if event["name"] == "Order Completed"]
    money = sum(Decimal(str(event["properties"]["revenue"])) for event in orders)
    table.add_row("events", str(len(events)), "")
    table.add_row("orders", f"{len(orders)}, {money:,.2f} in all", "")
    table.add_row("former ONE-IDs", "\n".join(one["formerOneIds"]), "")
    tables.print(table)


def _show_evidence(why: dict[str, Any]) -> None:
    table = Table(
        "from", "to", "message", "at", title="Why the PC's cookie and the cash desk's phone are one"
    )
    for step in why["path"]:
        (start,), (end,) = _keys([step["from"]]), _keys([step["to"]])
        table.add_row(_text(start), _text(end), step["messageId"], step["at"])
    tables.print(table)


def _show_tablet(reader: Reader, owners: list[dict[str, Any]]) -> None:
    table = Table("who", "ONE-ID", "identifiers", title="Strangers at one tablet")
    for name, customer in zip(story.STRANGERS, owners, strict=False):
        names = "\n".join(_text((i["type"], i["value"])) for i in customer["identifiers"])
        table.add_row(name, customer["oneId"], names)
    tables.print(table)
    for a, b in ((*story.STRANGERS.values(),), (story.STRANGERS["Wang Lei"], story.USER)):
        apart = reader.why(a, b)["keptApartBy"]
        if apart:
            left_out = ", ".join(_text(key) for key in _keys(apart["dropped"]))
            out.print(
                f"{_text(a)} and {_text(b)} stay apart: {apart['messageId']} {apart['kind']} {left_out}"
                f" ({apart['reason'] or 'a customer has one user_id'})"
            )


def _lookup(key: Key) -> dict[str, Any]:
    return {"identifier": {"type": key[0], "value": key[1]}}


def _keys(identifiers: list[dict[str, Any]]) -> list[Key]:
    return [(found["type"], found["value"]) for found in identifiers]


def _text(key: Key) -> str:
    return f"{key[0]} {key[1]}"
