"""Personal data for those without the scope `pii:read`: enough to recognise, not enough to use."""

import re
from collections.abc import Mapping, Set
from typing import Any, Final

PII_TYPES: Final = frozenset({"email", "phone", "landline"})
"""Identifier types whose values are masked."""

PII_KEYS: Final = frozenset({"email", "phone"})
"""Attributes and event properties that are masked, whatever their case, without being declared."""

_CHINA: Final = re.compile(r"(?:00)?86(?=1\d{10}$)")
_MASK: Final = "****"


def mask_email(value: str) -> str:
    """`anna@x.cn` to `a***@x.cn`."""
    name, at, domain = value.partition("@")
    return f"{name[:1]}***@{domain}" if at and name else "***"


def mask_phone(value: str) -> str:
    """`+8613812345678` to `138****5678`; a short number keeps its last two digits."""
    digits = _CHINA.sub("", re.sub(r"\D", "", value))
    return f"{digits[:3]}{_MASK}{digits[-4:]}" if len(digits) >= 8 else f"{_MASK}{digits[-2:]}"


def mask_identifier(kind: str, value: str) -> str:
    """An identifier's value as a reader without `pii:read` sees it."""
    if kind not in PII_TYPES:
        return value
    return mask_email(value) if kind == "email" else mask_phone(value)


def mask_household(kind: str, value: str) -> str:
    """A household's value as a reader without `pii:read` sees it, whatever its type: it tells where people live."""
    return mask_identifier(kind, value) if kind in PII_TYPES else f"{value[:1]}***"


def mask_attribute(key: str, value: Any, personal: Set[str] = PII_KEYS) -> Any:
    """An attribute's value as a reader without `pii:read` sees it; `personal`: keys declared to be so."""
    if key.lower() in PII_KEYS or key in personal:
        return _masked(key, value)
    return mask_properties(value, personal)


def mask_properties(value: Any, personal: Set[str] = PII_KEYS) -> Any:
    """A copy of a JSON value in which `email`, `phone` and the keys declared personal are masked."""
    if isinstance(value, Mapping):
        members: Mapping[str, Any] = value
        return {key: mask_attribute(key, member, personal) for key, member in members.items()}
    if isinstance(value, list):
        items: list[Any] = value
        return [mask_properties(item, personal) for item in items]
    return value


def _masked(key: str, value: Any) -> Any:
    """Whatever stands under a personal key is masked, text or not."""
    if value is None:
        return None
    if key.lower() in PII_KEYS:
        return mask_email(str(value)) if key.lower() == "email" else mask_phone(str(value))
    return f"{value[:1]}***" if isinstance(value, str) else "***"
