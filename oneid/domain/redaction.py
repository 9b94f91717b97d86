"""Redaction: an event of one customer forgets the identifiers of another, who was erased.

What is taken out becomes null, which names nobody: a placeholder would be an identifier that many share.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

import phonenumbers

from oneid.domain.identifiers import Identifier
from oneid.domain.normalisation import as_text
from oneid.domain.rules import IdentityRules
from oneid.domain.tombstones import plain_key

SHORTEST: Final = 6
"""Texts shorter than this are taken out only where an identifier is expected: 42 may be a quantity."""

TELLING: Final = 16
"""Texts of so many characters stand for nothing else, wherever they are found."""

NAMING: Final = frozenset(
    {"userId", "anonymousId", "previousId", "id", "advertisingId", "email", "phone", "landline"}
)

LITERALS: Final = re.compile(r"""(["'])((?:\\.|(?!\1)[^\\])*)\1""")
"""The texts in an expression."""


class Redactor:
    """Takes the values of `keys` out of JSON, in every notation that normalises to them. `instead`: what is put in
    the place of texts, by default null."""

    def __init__(
        self, keys: Collection[str], rules: IdentityRules, region: str, *, instead: str | None = None
    ) -> None:
        self._instead = instead
        self._keys = frozenset(keys)
        self._kinds = {Identifier.from_key(key).type for key in keys}
        texts = [re.escape(text) for key in keys for text in notations(Identifier.from_key(key))]
        self._texts = re.compile("|".join(texts), re.IGNORECASE) if texts else None
        self._rules = rules
        self._region = region

    def redact(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """A copy without the values."""
        return {key: self._value(key, value) for key, value in payload.items()}

    def _value(self, name: str, value: Any) -> Any:
        if isinstance(value, dict):
            members: dict[str, Any] = value
            return self.redact(members)
        if isinstance(value, list):
            entries: list[Any] = value
            return [self._value(name, entry) for entry in entries]
        return self._leaf(name, value)

    def _leaf(self, name: str, value: Any) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str) and name not in NAMING:
            return self.text(value)
        if (name in NAMING or len(as_text(value)) >= SHORTEST) and self._names(value):
            return None
        return self._within(value) if isinstance(value, str) else value

    def text(self, value: str) -> str | None:
        """One text without the values."""
        if len(as_text(value)) >= SHORTEST and self._names(value):
            return self._instead
        return self._within(value)

    def _within(self, text: str) -> str:
        return self._texts.sub(self._instead or "", text) if self._texts else text

    def _names(self, value: Any) -> bool:
        return any(plain_key(kind, value, self._rules, self._region) in self._keys for kind in self._kinds)


def unmistakable(keys: Iterable[str]) -> list[str]:
    """Those whose values stand for nobody and nothing else, wherever they are found: the user 100234 may be a product,
    too."""
    found = map(Identifier.from_key, keys)
    return [i.key for i in found if i.type in ("email", "phone") or len(i.value) >= TELLING]


def forgotten_rule(written: Any, redactor: Redactor) -> Any:
    """Segment rules, or JSON that holds some, in which what is compared with names nobody erased: nobody has the
    text that is there instead, as nobody has the value any more, so that whoever matched still does. Only texts
    change: a number may be an amount."""
    if isinstance(written, list):
        entries: list[Any] = written
        return [forgotten_rule(entry, redactor) for entry in entries]
    if not isinstance(written, dict):
        return written
    members: dict[str, Any] = written
    return {key: _forgotten_member(key, value, redactor) for key, value in members.items()}


def _forgotten_member(key: str, value: Any, redactor: Redactor) -> Any:
    if key == "value" and isinstance(value, list):
        entries: list[Any] = value
        return [redactor.text(entry) if isinstance(entry, str) else entry for entry in entries]
    if key == "value" and isinstance(value, str):
        return redactor.text(value)
    if key == "expression" and isinstance(value, str):
        return LITERALS.sub(lambda found: f"{found[1]}{redactor.text(found[2])}{found[1]}", value)
    return forgotten_rule(value, redactor)


def notations(identifier: Identifier) -> list[str]:
    """How a value may stand in a longer text, the longest first."""
    value = identifier.value
    found = [value] if len(value) >= SHORTEST else []
    if identifier.type == "phone" and value.startswith("+"):
        found += [value[1:], str(phonenumbers.parse(value).national_number)]
    return found
