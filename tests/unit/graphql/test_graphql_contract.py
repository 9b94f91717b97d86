"""The contract as it was given, word by word: what it has, the schema has, of the same type."""

from pathlib import Path
from typing import Any

import pytest
from graphql import DefinitionNode, is_required_argument, parse, print_ast

from api.graphql.schema import create_schema

CONTRACT = parse(Path(__file__).with_name("contract.graphql").read_text("utf-8"))
TYPES: dict[str, Any] = create_schema().core.type_map

JOURNEYS = {
    "Query.journeys",
    "Query.journey",
    "Query.simulateJourney",
    "Query.explainMessage",
    "Customer.messages",
    "Customer.journeyRuns",
    "Customer.coupons",
    "Mutation.createTemplate",
    "Mutation.createJourney",
    "Mutation.publishJourney",
    "Mutation.pauseJourney",
    "Mutation.resumeJourney",
    "Mutation.startJourney",
    "SegmentRule.membership",
    "SegmentRule.message",
    "SegmentRule.journey",
    "CreateJourneyInput",
    "Subscription.journeyRunUpdated",
}
"""What is still to come. Whatever is there has to leave this list."""


def missing(promised: Any) -> set[str]:
    """What a definition of the contract has and the schema has not, or has otherwise."""
    name: str = promised.name.value
    own = TYPES.get(name)
    if own is None:
        return {name}
    values = {value.name.value for value in getattr(promised, "values", ())}
    lost = {f"{name}.{value}" for value in values if value not in own.values}
    fields = getattr(promised, "fields", ())
    return lost | {f"{name}.{field.name.value}" for field in fields if not kept(field, own)}


def kept(promised: Any, own: Any) -> bool:
    """Whether a field is there, with its type and arguments, and asks for no others."""
    field = own.fields.get(promised.name.value)
    if field is None or str(field.type) != print_ast(promised.type):
        return False
    arguments = {one.name.value: print_ast(one.type) for one in getattr(promised, "arguments", None) or ()}
    had: dict[str, Any] = getattr(field, "args", {})
    typed = {name: str(argument.type) for name, argument in had.items()}
    more = [
        name for name, argument in had.items() if name not in arguments and is_required_argument(argument)
    ]
    return not more and {name: typed.get(name) for name in arguments} == arguments


def test_what_the_contract_has_the_schema_has_but_journeys() -> None:
    assert set().union(*map(missing, CONTRACT.definitions)) == JOURNEYS


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("type Clock { now: DateTime }", {"Clock.now"}),
        ("type Clock { then: DateTime! }", {"Clock.then"}),
        ("type Query { customer(by: CustomerLookup): Customer }", {"Query.customer"}),
        ("type Query { customer: Customer }", {"Query.customer"}),
        ("enum DataParty { FIRST FOURTH }", {"DataParty.FOURTH"}),
        ("type Nothing { id: ID! }", {"Nothing"}),
    ],
)
def test_what_is_missing_or_otherwise_is_noticed(text: str, lost: set[str]) -> None:
    definitions: tuple[DefinitionNode, ...] = parse(text).definitions
    assert missing(definitions[0]) == lost
