"""What a row of orders, and a row of people, says to the tracking API."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Literal

import orjson

from oneid.domain.imports.mapping import EXTERNAL, PERSON, Assignment
from oneid.domain.imports.rows import Row
from oneid.domain.imports.values import Kind, Times, plain, read_value
from oneid.errors import InvalidInput, NobodyNamed

Values = dict[str, Any]
"""Values by field, empty cells left out, numbers as Decimal."""

ORDERS: Final[Mapping[str, Kind]] = PERSON | {
    "order_id": Kind.TEXT,
    "revenue": Kind.NUMBER,
    "total": Kind.NUMBER,
    "quantity": Kind.NUMBER,
    "price": Kind.NUMBER,
    "currency": Kind.TEXT,
    "sku": Kind.TEXT,
    "product_id": Kind.TEXT,
    "product": Kind.TEXT,
}
PEOPLE: Final[Mapping[str, Kind]] = PERSON
PRODUCT: Final = {"sku": "sku", "product_id": "product_id", "product": "name", "price": "price"}
"""Fields of an order that describe its product -> what Segment's e-commerce events call them."""


class Preset(StrEnum):
    """What the rows of a file are."""

    ORDERS = "orders"
    PEOPLE = "people"

    @property
    def fields(self) -> Mapping[str, Kind]:
        """The fields that mean something; any other becomes a property or a trait of its own name."""
        return ORDERS if self is Preset.ORDERS else PEOPLE


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a tracking client. `body` is what it calls properties or traits; without `timestamp` the
    message is of the moment it is sent."""

    type: Literal["track", "identify"]
    message_id: str
    event: str
    user_id: str | None
    anonymous_id: str | None
    body: dict[str, Any]
    context: dict[str, Any]
    timestamp: datetime | None


@dataclass(frozen=True, slots=True)
class Plan:
    """How the rows of one file become calls. The file's name is part of each messageId. `party`: who collected
    them."""

    file: str
    preset: Preset
    assignments: tuple[Assignment, ...]
    times: Times
    event: str = "Order Completed"
    prefixes: Mapping[str, str] = field(default_factory=dict[str, str])
    party: str = ""

    def call(self, row: Row) -> Call:
        """The row's call. Its messageId comes from file, line and content: sent again it counts once, while
        identical lines stay different and a corrected line is a new message.

        Raises:
            InvalidInput: with the column as field; NobodyNamed: the row names nobody.
        """
        values = self._values(row)
        person = _Person.taken_from(values)
        timestamp = values.pop("timestamp", None)
        kind, body, context = _SHAPES[self.preset](values, person)
        context |= {"party": self.party} if self.party else {}
        parts = [kind, self.event, person.user_id, person.anonymous_id, body, context, timestamp]
        message_id = f"{self.file[:48]}:{row.line}:{_digest([self.file, *parts])}"
        return Call(
            kind, message_id, self.event, person.user_id, person.anonymous_id, body, context, timestamp
        )

    def column(self, path: str) -> str | None:
        """The column behind a path into a message, such as context.traits.phone."""
        name = path.rpartition(".")[2]
        names = {name, {"userId": "user_id", "anonymousId": "anonymous_id"}.get(name, name)}
        return next((found.column for found in self.assignments if found.field in names), None)

    def _values(self, row: Row) -> Values:
        values: Values = {}
        for assignment in self.assignments:
            try:
                value = read_value(row.values.get(assignment.column), assignment.kind, self.times)
            except InvalidInput as error:
                raise InvalidInput(error.message, field=(assignment.column,)) from None
            if value is not None:
                prefix = self.prefixes.get(assignment.field)
                values[assignment.field] = f"{prefix}{value}" if prefix else value
            elif assignment.field == "timestamp":
                raise InvalidInput("the time is missing", field=(assignment.column,))
        return values


@dataclass(frozen=True, slots=True)
class _Person:
    """Whom a row names."""

    user_id: str | None
    anonymous_id: str | None
    contacts: dict[str, str]
    external_ids: list[dict[str, str]]

    @classmethod
    def taken_from(cls, values: Values) -> "_Person":
        """Takes the person's fields out of the values. Raises NobodyNamed."""
        guest = values.pop("guest_id", None)
        user_id, anonymous_id = values.pop("user_id", None), values.pop("anonymous_id", None)
        contacts: dict[str, str] = {name: values.pop(name) for name in ("email", "phone") if name in values}
        external = [
            {"id": values.pop(name), "type": name.removeprefix(EXTERNAL)}
            for name in list(values)
            if name.startswith(EXTERNAL)
        ]
        if not (user_id or anonymous_id or contacts or external):
            if not guest:
                raise NobodyNamed("the row names nobody")
            anonymous_id = guest
        return cls(user_id, anonymous_id, contacts, external)

    def context(self) -> dict[str, Any]:
        return {"externalIds": self.external_ids} if self.external_ids else {}


Shape = tuple[Literal["track", "identify"], dict[str, Any], dict[str, Any]]
"""Type of call, body, context."""


def _order(values: Values, person: _Person) -> Shape:
    """`quantity` stands with the order too, where it can be added up; `revenue` is price x quantity where no
    column says it."""
    if "revenue" not in values and "total" not in values and {"price", "quantity"} <= values.keys():
        values["revenue"] = values["price"] * values["quantity"]
    product = {name: values.pop(key) for key, name in PRODUCT.items() if key in values}
    if product:
        values["products"] = [_json(product | {k: values[k] for k in ("quantity",) if k in values})]
    context = person.context() | ({"traits": dict(person.contacts)} if person.contacts else {})
    return "track", _json(values), context


def _people(values: Values, person: _Person) -> Shape:
    return "identify", _json(values) | person.contacts, person.context()


_SHAPES: Final[dict[Preset, Callable[[Values, _Person], Shape]]] = {
    Preset.ORDERS: _order,
    Preset.PEOPLE: _people,
}


def _json(values: Values) -> dict[str, Any]:
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return plain(value)
    return value.isoformat() if isinstance(value, datetime) else value


def _digest(parts: list[object]) -> str:
    try:
        content = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        raise InvalidInput("the row holds text or numbers that no store can keep") from None
    return hashlib.sha256(content).hexdigest()[:16]
