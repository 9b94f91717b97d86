"""From a raw value to the value that identifies, or the reason why it identifies nobody."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import phonenumbers

from oneid.domain.identifiers import Identifier
from oneid.domain.rules import IdentifierType, IdentityRules, Normalizer

#: Longer values can't be index keys in the graph; no identifier of the field comes near.
MAX_LENGTH = 1024


class Dropped(Exception):
    """This value is no identifier; `reason` says why (BLOCKED, UNDECLARED_TYPE, IMPOSSIBLE_PHONE,
    NOT_A_VALUE, TOO_LONG)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def normalise(kind: str, raw: Any, rules: IdentityRules, region: str) -> Identifier:
    """The identifier that a raw JSON value of a declared type stands for.

    Email: trimmed, lower case. Phone: E.164 (`phonenumbers`, `region` for national numbers), a landline where it
    is a number. Everything else: trimmed text, 12345 = "12345", case kept. Blocked values are tested before and after.

    Raises:
        Dropped: it identifies nobody.
    """
    rule = rules.by_type.get(kind)
    if rule is None:
        raise Dropped("UNDECLARED_TYPE")
    text = as_text(raw)
    if rules.blocks(kind, text):
        raise Dropped("BLOCKED")
    value = normalised(rule, text, region)
    if value is not text and rules.blocks(kind, value):
        raise Dropped("BLOCKED")
    if len(value) > MAX_LENGTH:
        raise Dropped("TOO_LONG")
    return Identifier(kind, value)


def plain(kind: str, raw: Any, rules: IdentityRules, region: str) -> Identifier:
    """What a raw value would be as an identifier, blocked or not, of a declared type or not: what was linked once is
    found by it. Raises Dropped for what is no value."""
    rule, text = rules.by_type.get(kind), as_text(raw)
    return Identifier(kind, normalised(rule, text, region) if rule else text)


def normalised(rule: IdentifierType, text: str, region: str) -> str:
    """The text as its type is compared. What a household shares may have any name: one that is no number stays as
    it is written. Raises Dropped."""
    if rule.normalizer is Normalizer.NONE:
        return text
    if not (rule.household and rule.normalizer is Normalizer.PHONE):
        return NORMALIZERS[rule.normalizer](text, region)
    if any(character.isalpha() for character in text):
        return text  # letters would be read as digits of a keypad
    try:
        return e164(text, region)
    except Dropped:
        return text


def as_text(raw: Any) -> str:
    """A JSON scalar as text, trimmed. Raises Dropped."""
    if isinstance(raw, str):
        return raw.strip()
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, float) and raw.is_integer():
        return str(int(raw))  # 12345.0 is 12345, as every language but Python writes it
    if isinstance(raw, int | float):
        return str(raw)
    raise Dropped("NOT_A_VALUE")


@lru_cache(maxsize=65536)
def e164(text: str, region: str) -> str:
    """A phone number in E.164. Raises Dropped("IMPOSSIBLE_PHONE")."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise Dropped("IMPOSSIBLE_PHONE") from None
    if not phonenumbers.is_possible_number(number):
        raise Dropped("IMPOSSIBLE_PHONE")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


NORMALIZERS: dict[Normalizer, Callable[[str, str], str]] = {
    Normalizer.LOWER: lambda text, region: text.lower(),
    Normalizer.EMAIL: lambda text, region: text.lower(),
    Normalizer.PHONE: e164,
}
