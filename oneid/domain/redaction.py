"""Redaction: an event of one customer forgets the identifiers of another, who was erased.

What is taken out becomes null, which names nobody: a placeholder would be an identifier that many share.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

import phonenumbers

from oneid.domain.identifiers import Identifier
from oneid.domain.normalisation import as_text
from oneid.domain.rules import IdentityRules
from oneid.domain.tombstones import plain_key

SHORTEST: Final = 6
"""Texts shorter than this are taken out only where an identifier is expected: 42 may be a quantity."""

NAMING: Final = frozenset(
    {"userId", "anonymousId", "previousId", "id", "advertisingId", "email", "phone", "landline"}
)


class Redactor:
    """Takes the values of `keys` out of JSON, in every notation that normalises to them."""

    def __init__(self, keys: Collection[str], rules: IdentityRules, region: str) -> None:
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
        if (name in NAMING or len(as_text(value)) >= SHORTEST) and self._names(value):
            return None
        return self._texts.sub("", value) if self._texts and isinstance(value, str) else value

    def _names(self, value: Any) -> bool:
        return any(plain_key(kind, value, self._rules, self._region) in self._keys for kind in self._kinds)


def notations(identifier: Identifier) -> list[str]:
    """How a value may stand in a longer text, the longest first."""
    value = identifier.value
    found = [value] if len(value) >= SHORTEST else []
    if identifier.type == "phone" and value.startswith("+"):
        found += [value[1:], str(phonenumbers.parse(value).national_number)]
    return found
