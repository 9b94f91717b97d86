"""Tags that are computed from a customer's record: by a model with coefficients, or by an expression.

Expressions are CEL (Common Expression Language): no assignment, no objects, and here no loops.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import cel

from oneid.errors import InvalidInput, TooLarge

MAX_EXPRESSION: Final = 2_000
MAX_NODES: Final = 1_000
VARIABLES: Final = frozenset({"attributes", "identifiers"})
FUNCTIONS: Final = frozenset(
    {"has", "size", "contains", "startsWith", "endsWith", "matches", "int", "double", "string", "bool"}
)
LITERALS: Final = re.compile(
    r"""
      //[^\n]*
    | (?:[rR][bB]?|[bB][rR])(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"[^"\n]*"|'[^'\n]*')
    | [bB]?(?:\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
    """,
    re.DOTALL | re.VERBOSE,
)
"""Comments and texts, raw ones and long ones, too."""
LOOPS: Final = re.compile(r"\.\s*(map|filter|all|exists|exists_one)\s*\(")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a tag is computed from: attributes, and types of identifiers."""

    attributes: Mapping[str, Any]
    identifiers: Sequence[str]


@dataclass(frozen=True, slots=True)
class Scorer:
    """A model with the scores that earn the tag, from `least` on and below `below`; or an expression."""

    expression: str | None = None
    model: Mapping[str, Any] | None = None
    least: float | None = None
    below: float | None = None

    def check(self) -> None:
        """Raises InvalidInput or TooLarge with the place at fault."""
        if self.expression is not None:
            check_expression(self.expression)
        if self.model is not None:
            check_model(self.model, ("model", "definition"))
            if self.least is None and self.below is None:
                raise InvalidInput(
                    "give the scores that earn the tag: least, below", field=("model", "least")
                )

    def holds(self, facts: Facts) -> bool:
        """Whether a customer earns the tag. What can't be computed earns nothing."""
        if self.expression is not None:
            return expressed(self.expression, facts)
        score = scored(self.model or {}, facts.attributes)
        above = self.least is None or score >= self.least
        return above and (self.below is None or score < self.below)


@lru_cache(maxsize=1_000)
def compiled(expression: str) -> "cel.Program":
    return cel.compile(expression)


def expressed(expression: str, facts: Facts) -> bool:
    known = {"attributes": dict(facts.attributes), "identifiers": list(facts.identifiers)}
    try:
        return compiled(expression).execute(known) is True
    except (ArithmeticError, KeyError, RuntimeError, TypeError, ValueError):
        return False


def check_expression(expression: str) -> None:
    field = ("expression",)
    if not 0 < len(expression) <= MAX_EXPRESSION:
        raise TooLarge(f"an expression has 1 to {MAX_EXPRESSION} characters", field=field)
    bare = LITERALS.sub("''", expression)
    if LOOPS.search(bare):
        raise InvalidInput("an expression has no loops: all, exists, filter, map", field=field)
    if "__" in bare:
        raise InvalidInput("an expression reaches for nothing but values", field=field)
    try:
        program = compiled(expression)
    except ValueError as error:
        raise InvalidInput(str(error).splitlines()[0], field=field) from None
    if strange := set(program.variables()) - VARIABLES:
        raise InvalidInput(f"there is no {sorted(strange)[0]} in an expression", field=field)
    if strange := {name for name in program.functions() if name.isidentifier()} - FUNCTIONS:
        raise InvalidInput(f"there is no function {sorted(strange)[0]}", field=field)


def scored(model: Mapping[str, Any], attributes: Mapping[str, Any]) -> float:
    """The score of a logistic model, 0 to 1, or the value of a tree's leaf."""
    if model["kind"] == "TREE":
        return leaf(model["root"], attributes)
    terms = (weight * feature(name, attributes) for name, weight in model["coefficients"].items())
    total = model.get("intercept", 0) + sum(terms)
    return 1 / (1 + math.exp(-max(-700.0, min(700.0, total))))


def leaf(node: Mapping[str, Any], attributes: Mapping[str, Any]) -> float:
    while "value" not in node:
        side = "left" if feature(node["feature"], attributes) < node["threshold"] else "right"
        node = node[side]
    value: float = node["value"]
    return value


def feature(name: str, attributes: Mapping[str, Any]) -> float:
    """A number, true as 1; `key=value`: 1 where the attribute is that, or has it as an entry; nothing is 0."""
    key, equals, value = name.partition("=")
    held = attributes.get(key)
    if equals:
        return float(held == value or (isinstance(held, list) and value in held))
    return float(held) if isinstance(held, int | float) else 0.0


def check_model(model: Mapping[str, Any], path: tuple[str, ...]) -> None:
    match model.get("kind"):
        case "LOGISTIC":
            weights = model.get("coefficients")
            if not isinstance(weights, Mapping) or not 0 < len(weights) <= MAX_NODES:
                raise InvalidInput("must be an object of numbers", field=(*path, "coefficients"))
            for name, weight in weights.items():
                number(weight, (*path, "coefficients", name))
            number(model.get("intercept", 0), (*path, "intercept"))
        case "TREE":
            check_tree(model.get("root"), (*path, "root"))
        case _:
            raise InvalidInput("must be LOGISTIC or TREE", field=(*path, "kind"))


def check_tree(root: Any, path: tuple[str, ...]) -> None:
    waiting, seen = [(root, path)], 0
    while waiting:
        node, place = waiting.pop()
        seen += 1
        if seen > MAX_NODES:
            raise TooLarge(f"a tree has at most {MAX_NODES} nodes", field=path)
        if not isinstance(node, Mapping):
            raise InvalidInput("must be a node: value, or feature, threshold, left and right", field=place)
        if "value" in node:
            number(node["value"], (*place, "value"))
            continue
        if not isinstance(node.get("feature"), str):
            raise InvalidInput("must be the name of an attribute", field=(*place, "feature"))
        number(node.get("threshold"), (*place, "threshold"))
        waiting += [(node.get(side), (*place, side)) for side in ("left", "right")]


def number(given: Any, path: tuple[str, ...]) -> None:
    if not isinstance(given, int | float) or isinstance(given, bool) or not math.isfinite(given):
        raise InvalidInput("must be a number", field=path)
