"""Identifiers: what names a person. `key` is the identity; the type never matches across."""

from typing import NamedTuple


class Identifier(NamedTuple):
    """A declared type and its normalised value."""

    type: str
    value: str

    @property
    def key(self) -> str:
        return f"{self.type}:{self.value}"

    @classmethod
    def from_key(cls, key: str) -> "Identifier":
        """Splits at the first colon: no type name holds one."""
        kind, _, value = key.partition(":")
        return cls(kind, value)
