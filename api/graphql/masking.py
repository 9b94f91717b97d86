"""Personal data for those without the scope `pii:read`: enough to recognise, not enough to use."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from oneid.domain.identifiers import Identifier
from oneid.domain.personal import EMAIL_KEYS, PHONE_KEYS, PersonalKeys, plain
from oneid.domain.rules import IdentifierType, IdentityRules, Normalizer
from oneid.domain.segments.personal import without_values
from oneid.domain.tags.personal import computes_with_personal
from oneid.domain.tags.scorers import Scorer

Mask = Callable[[str], str]

_CHINA: Final = re.compile(r"(?:00)?86(?=1\d{10}$)")
_MASK: Final = "****"
_LONGEST_PHONE: Final = 15
_NAME: Final = re.compile(r"[^\W\d][\w-]{0,63}")


def mask_email(value: str) -> str:
    """`anna@x.cn` to `a***@x.cn`; of several nothing is shown."""
    name, at, domain = value.partition("@")
    return f"{name[:1]}***@{domain}" if at and name and "@" not in domain else "***"


def mask_phone(value: str) -> str:
    """`+8613812345678` to `138****5678`; a short number keeps its last two digits, several none."""
    digits = _CHINA.sub("", re.sub(r"\D", "", value))
    if len(digits) > _LONGEST_PHONE:
        return _MASK
    return f"{digits[:3]}{_MASK}{digits[-4:]}" if len(digits) >= 8 else f"{_MASK}{digits[-2:]}"


def mask_text(value: str) -> str:
    """`上海市黄浦区` to `上***`."""
    return f"{value[:1]}***"


BUILT_IN: Final[Mapping[str, Mask]] = {"email": mask_email, "phone": mask_phone, "landline": mask_phone}
"""Identifier types that are personal data whatever the rules say of them."""


def masks_of(rules: IdentityRules) -> Mapping[str, Mask]:
    """How the values of each identifier type that is personal data are masked: emails, phones, and what tells
    where people live."""
    found = {rule.type: mask for rule in rules.types if (mask := mask_of(rule))}
    return {**found, **BUILT_IN}


def mask_of(rule: IdentifierType) -> Mask | None:
    if rule.normalizer is Normalizer.EMAIL:
        return mask_email
    if rule.normalizer is Normalizer.PHONE:
        return mask_phone
    return mask_text if rule.household else None


UNDECLARED: Final = PersonalKeys()


@dataclass(frozen=True, slots=True)
class Reader:
    """What somebody sees of personal data. `pii`: everything; else masked: identifiers of the types in `masks`,
    attributes and properties under one of `keys`."""

    pii: bool = False
    keys: PersonalKeys = UNDECLARED
    masks: Mapping[str, Mask] = field(default_factory=lambda: BUILT_IN)

    def may_ask(self, key: str) -> bool:
        """Whether what is asked may depend on an attribute or property."""
        return self.pii or not self.keys.cover(key)

    def rule(self, written: Any) -> Any:
        """A written rule; what conditions on personal data compare with is null."""
        return written if self.pii else without_values(written, self.keys)

    def scorer(self, scorer: Scorer) -> Scorer:
        """What computes a tag; nothing of one that computes with personal data."""
        return scorer if self.pii or not computes_with_personal(scorer, self.keys) else Scorer()

    def identifier(self, identifier: Identifier) -> str:
        """An identifier's value."""
        mask = None if self.pii else self.masks.get(identifier.type)
        return mask(identifier.value) if mask else identifier.value

    def household(self, identifier: Identifier) -> str:
        """The value that names a household, whatever its type is by now."""
        if self.pii:
            return identifier.value
        return self.masks.get(identifier.type, mask_text)(identifier.value)

    def attribute(self, key: str, value: Any) -> Any:
        """An attribute's value."""
        return value if self.pii else self._member(key, value)

    def properties(self, value: Any) -> Any:
        """A copy of a JSON value, whatever is personal in it masked."""
        return value if self.pii else self._within(value)

    def _member(self, key: str, value: Any) -> Any:
        if not self.keys.cover(key):
            return self._within(value)
        name = plain(key)
        mask = mask_email if name in EMAIL_KEYS else mask_phone if name in PHONE_KEYS else None
        return masked(value, mask)

    def _within(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            members: Mapping[str, Any] = value
            return {key: self._member(key, member) for key, member in members.items()}
        if isinstance(value, list):
            items: list[Any] = value
            return [self._within(item) for item in items]
        return value


def masked(value: Any, mask: Mask | None) -> Any:
    """A value under a personal key: each leaf is masked, and each name in it that looks like a value, too."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        members: Mapping[str, Any] = value
        return {masked_name(key, mask): masked(member, mask) for key, member in members.items()}
    if isinstance(value, list):
        items: list[Any] = value
        return [masked(item, mask) for item in items]
    if mask is None:
        return mask_text(value) if isinstance(value, str) else "***"
    return mask(str(value))


def masked_name(name: str, mask: Mask | None) -> str:
    return name if _NAME.fullmatch(name) else (mask or mask_text)(name)
