"""Identifiers: what names a person. `key` is the identity; the type never matches across."""


class Identifier:
    """A declared type and its normalised value; equal by key. Not to be changed once made.

    A plain class, because resolution compares and looks up some thirty keys an event: the key is built once.
    """

    __slots__ = ("key", "type", "value")

    def __init__(self, type: str, value: str) -> None:
        self.type = type
        self.value = value
        self.key = f"{type}:{value}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identifier) and self.key == other.key

    def __lt__(self, other: "Identifier") -> bool:
        return self.key < other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"Identifier({self.type!r}, {self.value!r})"

    @classmethod
    def from_key(cls, key: str) -> "Identifier":
        """Splits at the first colon: no type name holds one."""
        kind, _, value = key.partition(":")
        return cls(kind, value)
