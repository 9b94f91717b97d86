"""Matching people by what is known about them: which attributes are compared, and what a likely match says."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from oneid.domain.customers import AttributeValue


class Comparison(StrEnum):
    """How two values are compared. NAME: by their look, and a rare one says more than a frequent one; TEXT: by
    their look; CODE: letters and digits alone, one or two of them mistyped."""

    NAME = "NAME"
    TEXT = "TEXT"
    CODE = "CODE"


class Agreement(StrEnum):
    """How far two values agree."""

    EXACT = "EXACT"
    CLOSE = "CLOSE"
    DIFFERENT = "DIFFERENT"
    MISSING = "MISSING"


@dataclass(frozen=True, slots=True)
class MatchField:
    """An attribute to compare. A dot leads into an object: address.city."""

    attribute: str
    comparison: Comparison


DEFAULT_FIELDS: Final = (
    MatchField("name", Comparison.NAME),
    MatchField("firstName", Comparison.NAME),
    MatchField("lastName", Comparison.NAME),
    MatchField("birthday", Comparison.CODE),
    MatchField("address.street", Comparison.TEXT),
    MatchField("address.city", Comparison.TEXT),
    MatchField("address.postalCode", Comparison.CODE),
    MatchField("address.state", Comparison.CODE),
)
"""The traits that the tracking API's clients know by name."""


@dataclass(frozen=True, slots=True)
class FieldEvidence:
    """What one attribute says about a pair: `weight` bits for (negative: against) one person."""

    attribute: str
    agreement: Agreement
    weight: float


@dataclass(frozen=True, slots=True)
class Match:
    """Two customers, `a` < `b`, that are one person with this probability; `weight` is it in bits."""

    a: str
    b: str
    probability: float
    weight: float
    evidence: tuple[FieldEvidence, ...]


def comparable(attributes: Mapping[str, AttributeValue], field: MatchField) -> str | None:
    """The value to compare, tidied: small letters, no accidental spaces; None where there is none."""
    key, *path = field.attribute.split(".")
    value = attributes[key].value if key in attributes else None
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return tidied(value, field.comparison)


def tidied(value: Any, comparison: Comparison) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = unicodedata.normalize("NFKC", str(value)).casefold()
    gap = "" if comparison is Comparison.CODE else " "
    return re.sub(r"[\W_]+", gap, text).strip() or None
