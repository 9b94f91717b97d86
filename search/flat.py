"""Properties of any shape as a `flat_object` takes them.

A flat_object indexes each leaf twice, as value and as path=value, and refuses the whole document where such a
term passes 32,766 bytes. So of a long text the beginning is indexed, and what lies under too long a path or too deep
is left out; the document's payload keeps all of it.
"""

from typing import Any, Final

from oneid.domain.texts import beginning

PATH_CHARACTERS: Final = 2_000
"""With a text (`texts.KNOWN`) at most 4,000 characters of 4 bytes: half of what a term may have."""

DEPTH: Final = 16


def flatten(properties: dict[str, Any]) -> dict[str, Any]:
    """The part of the properties that can be searched, in their own shape; empty names become `_`."""
    return _object(properties, path=0, depth=1)


def _object(value: dict[str, Any], *, path: int, depth: int) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, entry in value.items():
        name = str(key) or "_"
        length = path + len(name) + 1
        if length > PATH_CHARACTERS:
            continue
        indexed = _value(entry, path=length, depth=depth)
        if indexed is not None:
            kept[name] = indexed
    return kept


def _value(value: Any, *, path: int, depth: int) -> Any:
    if isinstance(value, str):
        return beginning(value)
    if isinstance(value, dict | list) and depth >= DEPTH:
        return None
    if isinstance(value, dict):
        return _object(value, path=path, depth=depth + 1) or None
    if isinstance(value, list):
        entries = (_value(entry, path=path, depth=depth + 1) for entry in value)
        return [entry for entry in entries if entry is not None] or None
    return value
