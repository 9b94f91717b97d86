"""The attributes that a brand has declared: what each may hold, and whether a value fits."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from oneid.domain.messages import parse_time
from oneid.domain.personal import PersonalKeys
from oneid.domain.tags.scorers import Facts, Scorer
from oneid.errors import InvalidInput

if TYPE_CHECKING:
    from oneid.domain.computations import Computation

MAX_DEFINITIONS: Final = 500
MAX_ENUM_VALUES: Final = 1_000
MAX_TEXT: Final = 2_000
"""Characters of a text: what is longer could not be a condition."""

KEY: Final = re.compile(r"\w[\w-]{0,63}")
DATE: Final = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?")


class AttributeType(StrEnum):
    """What an attribute holds. LIST: texts; DATE: RFC 3339, a day alone being its midnight in UTC; GEO: lat, lon."""

    STRING = "STRING"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    DATE = "DATE"
    ENUM = "ENUM"
    LIST = "LIST"
    GEO = "GEO"


@dataclass(frozen=True, slots=True)
class AttributeDefinition:
    """One declared attribute. `pii`: personal data, masked without `pii:read`; `storefront_visible`: whether
    visitors may read their own."""

    key: str
    type: AttributeType
    enum_values: tuple[str, ...] = ()
    pii: bool = False
    storefront_visible: bool = False
    description: str = ""

    def misfit(self, value: Any) -> str | None:
        """Why a value is not of this type, None if it is. No value at all fits every type."""
        if value is None:
            return None
        if self.type is AttributeType.ENUM:
            return None if value in self.enum_values else f"must be one of {', '.join(self.enum_values)}"
        fits, expected = CHECKS[self.type]
        return None if fits(value) else f"must be {expected}"

    def check(self) -> None:
        """Raises InvalidInput where the definition itself makes no sense."""
        if not KEY.fullmatch(self.key):
            message = "a name has 1 to 64 letters, digits, _ or -, and starts with none of the latter"
            raise InvalidInput(message, field=("key",))
        if (self.type is AttributeType.ENUM) != bool(self.enum_values):
            raise InvalidInput("an ENUM has values, and only an ENUM has", field=("enumValues",))
        if len(self.enum_values) > MAX_ENUM_VALUES:
            raise InvalidInput(f"an ENUM has at most {MAX_ENUM_VALUES} values", field=("enumValues",))
        if not all(value and len(value) <= MAX_TEXT for value in self.enum_values):
            message = f"values have 1 to {MAX_TEXT} characters"
            raise InvalidInput(message, field=("enumValues",))


def is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_date(value: Any) -> bool:
    if not isinstance(value, str) or not DATE.fullmatch(value):
        return False
    try:
        parse_time(value)
    except (ValueError, OverflowError):
        return False
    return True


def is_list(value: Any) -> bool:
    return isinstance(value, list) and all(is_text(entry) for entry in value)


def is_place(value: Any) -> bool:
    if not isinstance(value, Mapping) or set(value) != {"lat", "lon"}:
        return False
    lat, lon = value["lat"], value["lon"]
    return is_number(lat) and is_number(lon) and abs(lat) <= 90 and abs(lon) <= 180


CHECKS: Final[Mapping[AttributeType, tuple[Callable[[Any], bool], str]]] = {
    AttributeType.STRING: (is_text, f"a text of at most {MAX_TEXT} characters"),
    AttributeType.NUMBER: (is_number, "a number"),
    AttributeType.BOOLEAN: (lambda value: isinstance(value, bool), "true or false"),
    AttributeType.DATE: (is_date, "a date such as 2026-03-01 or 2026-03-01T08:00:00Z"),
    AttributeType.LIST: (is_list, f"a list of texts of at most {MAX_TEXT} characters"),
    AttributeType.GEO: (is_place, "a place such as {lat: 31.2, lon: 121.5}"),
}


@dataclass(frozen=True)
class Catalog:
    """All definitions at one version; version 0 is the empty catalog. `scorers`: what computes tags, with the
    numbers of the tags; `computations`: what computes attributes, with their keys; `zone`: the IANA time zone in which
    the deployment's days begin."""

    version: int = 0
    definitions: tuple[AttributeDefinition, ...] = ()
    scorers: tuple[tuple[int, Scorer], ...] = ()
    computations: "tuple[tuple[str, Computation], ...]" = ()
    zone: str = "UTC"

    @cached_property
    def by_key(self) -> Mapping[str, AttributeDefinition]:
        return {definition.key: definition for definition in self.definitions}

    @cached_property
    def personal(self) -> PersonalKeys:
        """The keys of personal data."""
        return PersonalKeys(frozenset(one.key.lower() for one in self.definitions if one.pii))

    def earned(self, facts: Facts) -> list[int]:
        """The numbers of the tags that are computed for a customer."""
        return [number for number, scorer in self.scorers if scorer.holds(facts)]

    def misfits(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Why values are not of their declared types, by key; attributes that nobody declared take anything."""
        if not self.definitions:
            return {}
        declared = [(self.by_key[key], value) for key, value in values.items() if key in self.by_key]
        reasons = ((definition.key, self._misfit(definition, value)) for definition, value in declared)
        return {key: reason for key, reason in reasons if reason}

    def _misfit(self, definition: AttributeDefinition, value: Any) -> str | None:
        computed = definition.key in self.computed
        return "is computed from events, and nobody writes it" if computed else definition.misfit(value)

    @cached_property
    def computed(self) -> "Mapping[str, Computation]":
        """What computes attributes, by their keys."""
        return dict(self.computations)

    def fitting(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The values that may be written."""
        misfits = self.misfits(values)
        return {key: value for key, value in values.items() if key not in misfits} if misfits else values
