"""Identity rules as JSON, the form in which the graph keeps them."""

from dataclasses import asdict, fields
from typing import Any

from oneid.domain.rules import (
    BlockedValue,
    IdentifierType,
    IdentityRules,
    Normalizer,
    SharedIdentifierPolicy,
)


def to_stored(rules: IdentityRules) -> dict[str, Any]:
    return asdict(rules)


def from_stored(stored: dict[str, Any]) -> IdentityRules:
    """Fields that a newer or older version doesn't know are left at their defaults."""
    known = {f.name for f in fields(IdentityRules)}
    plain = {name: value for name, value in stored.items() if name in known}
    return IdentityRules(
        **{
            **plain,
            "types": tuple(identifier_type(row) for row in stored["types"]),
            "blocked": tuple(BlockedValue(**row) for row in stored["blocked"]),
            "shared_identifier_policy": SharedIdentifierPolicy(stored["shared_identifier_policy"]),
        }
    )


def identifier_type(row: dict[str, Any]) -> IdentifierType:
    return IdentifierType(**{**row, "normalizer": Normalizer(row["normalizer"])})
