"""Attributes: the newest value wins, whatever order the values arrive in."""

import orjson

from oneid.domain.customers import AttributeValue, DataParty

Attributes = dict[str, AttributeValue]


def put(attributes: Attributes, key: str, value: AttributeValue) -> bool:
    """Sets a value unless a newer one is there; of equal times the later processed wins. True if it changed."""
    old = attributes.get(key)
    if old and (old.updated_at, old.sequence) > (value.updated_at, value.sequence):
        return False
    attributes[key] = value
    return old is None or old.value != value.value or old.updated_at != value.updated_at


def merge(into: Attributes, other: Attributes) -> None:
    for key, value in other.items():
        put(into, key, value)


def to_stored(attributes: Attributes) -> str:
    """The JSON kept in the graph: key -> {v: value, t: time, s: source, p: party, n: sequence}."""
    return orjson.dumps(
        {
            key: {"v": a.value, "t": a.updated_at, "s": a.source, "p": int(a.party), "n": a.sequence}
            for key, a in attributes.items()
        }
    ).decode()


def from_stored(stored: str | None) -> Attributes:
    return {
        key: AttributeValue(row["v"], row["t"], row["s"], DataParty(row["p"]), row["n"])
        for key, row in orjson.loads(stored or "{}").items()
    }
