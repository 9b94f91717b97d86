"""Which path means what: the names of three vendors' clients, each with and without a slash at the end."""

from typing import Final

BATCH: Final = "batch"

_LONG: Final = ("identify", "track", "page", "screen", "group", "alias", BATCH)
_SHORT: Final = {
    "i": "identify",
    "t": "track",
    "p": "page",
    "s": "screen",
    "g": "group",
    "a": "alias",
    "b": BATCH,
    # Clients of the import API send batches.
    "m": BATCH,
    "import": BATCH,
}
_PREFIXES: Final = ("/v1/", "/api/s/", "/api/s/s2s/")


def _paths() -> dict[str, str]:
    names = {name: name for name in _LONG} | _SHORT
    return {
        f"{prefix}{name}{end}": route
        for prefix in _PREFIXES
        for name, route in names.items()
        for end in ("", "/")
    }


PATHS: Final[dict[str, str]] = _paths()
"""Path -> message type, or BATCH."""
