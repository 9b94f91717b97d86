"""Identity rules: which identifiers there are, how strong each is, and what a customer may hold.

The defaults and their meaning are the product's specification: twelve built-in types in order of strength,
a limit per customer and type, values that name nobody. Rules carry a version that grows with each change.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from oneid.domain.identifiers import Identifier


class Normalizer(StrEnum):
    NONE = "NONE"
    LOWER = "LOWER"
    EMAIL = "EMAIL"
    PHONE = "PHONE"


class SharedIdentifierPolicy(StrEnum):
    """What happens to a device's identifier that was kept out of a link because the device is shared."""

    FIRST_OWNER = "FIRST_OWNER"
    LAST_LOGIN = "LAST_LOGIN"
    QUARANTINE = "QUARANTINE"


@dataclass(frozen=True, slots=True)
class IdentifierType:
    """One identifier type. Priority 1 is strongest. `limit` values per customer (0: unlimited) seen within
    `window_days` (0: ever). A type that doesn't join people, or is a household's, never links customers.
    A value seen with more than `generic_after` (0: any number) values of the type `generic_anchor` names nobody.
    """

    type: str
    priority: int = 50
    limit: int = 5
    window_days: int = 0
    joins_people: bool = True
    household: bool = False
    transfer_on_verified: bool = False
    generic_after: int = 0
    generic_anchor: str = "user_id"
    normalizer: Normalizer = Normalizer.NONE

    @property
    def links(self) -> bool:
        return self.joins_people and not self.household


@dataclass(frozen=True, slots=True)
class BlockedValue:
    """A value that names nobody: exactly `exact`, or matching `regex`; for one type, or (None) for all `but` these."""

    type: str | None = None
    exact: str | None = None
    regex: str | None = None
    but: tuple[str, ...] = ()

    def holds_for(self, kind: str) -> bool:
        return kind not in self.but if self.type is None else self.type == kind

    def without(self, lifted: Iterable["BlockedValue"]) -> "BlockedValue | None":
        """What stays of it when others, of the same value, are lifted: for its type, or for one of all types."""
        mine = [b for b in lifted if (b.exact, b.regex) == (self.exact, self.regex)]
        if any(b.type == self.type for b in mine):
            return None
        types = {b.type for b in mine if b.type} if self.type is None else set[str]()
        return replace(self, but=tuple(sorted(types.union(self.but)))) if types else self


class Filter(NamedTuple):
    """The blocked values of one type, those of all types included: exact ones, and patterns."""

    exact: frozenset[str]
    patterns: tuple[re.Pattern[str], ...]

    @classmethod
    def of(cls, kind: str, blocked: Iterable[BlockedValue]) -> "Filter":
        mine = [b for b in blocked if b.holds_for(kind)]
        patterns = tuple(re.compile(b.regex) for b in mine if b.regex is not None)
        return cls(frozenset(b.exact for b in mine if b.exact is not None), patterns)

    def blocks(self, value: str) -> bool:
        return value in self.exact or any(pattern.search(value) for pattern in self.patterns)


DEFAULT_TYPES = (
    IdentifierType("user_id", 1, 1),
    IdentifierType("wechat_unionid", 2, 1),
    IdentifierType("alipay_user_id", 3, 1),
    IdentifierType("email", 4, normalizer=Normalizer.EMAIL),
    IdentifierType("phone", 5, normalizer=Normalizer.PHONE),
    IdentifierType("wechat_openid", 6),
    IdentifierType("douyin_openid", 7),
    IdentifierType("tmall_ouid", 8),
    IdentifierType("member_card", 9),
    IdentifierType("device_id", 10),
    IdentifierType("anonymous_id", 11, window_days=7),
    IdentifierType("group_id", 50, 0, joins_people=False),
    IdentifierType("landline", 50, 0, joins_people=False, household=True, normalizer=Normalizer.PHONE),
)

BLOCKED_WORDS = (
    *("-1", "null", "anonymous", "undefined", "None", "none", "NaN", "[object Object]", "guest"),
    *("not_authenticated", "true", "false"),
)
DEFAULT_BLOCKED = (BlockedValue(regex="^[0-]*$"), *(BlockedValue(exact=word) for word in BLOCKED_WORDS))


@dataclass(frozen=True)
class IdentityRules:
    """All rules at one version."""

    version: int = 1
    types: tuple[IdentifierType, ...] = DEFAULT_TYPES
    blocked: tuple[BlockedValue, ...] = DEFAULT_BLOCKED
    max_merges: int = 100
    max_identifiers: int = 1000
    alias_merges: bool = False
    shared_identifier_policy: SharedIdentifierPolicy = SharedIdentifierPolicy.FIRST_OWNER
    consent_required: bool = False

    @cached_property
    def by_type(self) -> dict[str, IdentifierType]:
        return {rule.type: rule for rule in self.types}

    @cached_property
    def counts_anchors(self) -> bool:
        """Whether values of any type may become generic."""
        return any(rule.generic_after for rule in self.types)

    @cached_property
    def _weakness(self) -> dict[str, int]:
        ordered = sorted(self.types, key=lambda rule: (rule.priority, rule.type))
        return {rule.type: place for place, rule in enumerate(ordered)}

    def weakness(self, identifier: Identifier) -> int:
        """Sorts strong identifiers first; of equal priorities the type later in the alphabet is weaker."""
        return self._weakness[identifier.type]

    @cached_property
    def _filters(self) -> dict[str, "Filter"]:
        return {rule.type: Filter.of(rule.type, self.blocked) for rule in self.types}

    def links(self, identifier: Identifier) -> bool:
        """Whether this identifier, known from before, joins people under these rules."""
        rule = self.by_type.get(identifier.type)
        return rule is not None and rule.links and not self.blocks(identifier.type, identifier.value)

    def houses(self, identifier: Identifier) -> bool:
        """Whether this identifier, known from before, is a household's under these rules."""
        rule = self.by_type.get(identifier.type)
        return rule is not None and rule.household and not self.blocks(identifier.type, identifier.value)

    def blocks(self, kind: str, value: str) -> bool:
        """Whether this value of this declared type names nobody."""
        return not value or self._filters[kind].blocks(value)


@dataclass(frozen=True, slots=True)
class TypeChange:
    """What to change of one type; None keeps what is there. An unknown type is declared by this."""

    type: str
    priority: int | None = None
    limit: int | None = None
    window_days: int | None = None
    joins_people: bool | None = None
    household: bool | None = None
    transfer_on_verified: bool | None = None
    normalizer: Normalizer | None = None
    generic_after: int | None = None
    generic_anchor: str | None = None


@dataclass(frozen=True, slots=True)
class RulesChange:
    """A change of the rules: `reset` to the defaults first, then what is given."""

    reset: bool = False
    types: tuple[TypeChange, ...] = ()
    block: tuple[BlockedValue, ...] = ()
    unblock: tuple[BlockedValue, ...] = ()
    max_merges: int | None = None
    max_identifiers: int | None = None
    alias_merges: bool | None = None
    shared_identifier_policy: SharedIdentifierPolicy | None = None
    consent_required: bool | None = None

    def apply(self, rules: IdentityRules) -> IdentityRules:
        """The rules after this change, one version on. Does not validate."""
        base = IdentityRules(version=rules.version) if self.reset else rules
        given = {
            "max_merges": self.max_merges,
            "max_identifiers": self.max_identifiers,
            "alias_merges": self.alias_merges,
            "shared_identifier_policy": self.shared_identifier_policy,
            "consent_required": self.consent_required,
        }
        kept = [stays for blocked in base.blocked if (stays := blocked.without(self.unblock))]
        blocked = {replace(b, but=()): b for b in kept} | {b: b for b in self.block}
        return replace(
            base,
            version=rules.version + 1,
            types=changed_types(base.types, self.types),
            blocked=tuple(blocked.values()),
            **{name: value for name, value in given.items() if value is not None},  # type: ignore[arg-type]
        )


TYPE_FIELDS = tuple(f.name for f in fields(IdentifierType) if f.name != "type")


def changed_types(
    types: tuple[IdentifierType, ...], changes: tuple[TypeChange, ...]
) -> tuple[IdentifierType, ...]:
    by_type = {rule.type: rule for rule in types}
    for change in changes:
        given = {name: getattr(change, name) for name in TYPE_FIELDS}
        old = by_type.get(change.type, IdentifierType(change.type))
        by_type[change.type] = replace(old, **{name: v for name, v in given.items() if v is not None})
    return tuple(by_type.values())
