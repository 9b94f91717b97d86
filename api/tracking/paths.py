"""Which path means what: the names of four vendors' clients, each with and without a slash at the end."""

from typing import Final

BATCH: Final = "batch"
POSTHOG: Final = "posthog"
BEACON: Final = "/beacon/v1/batch"
"""The key is in the query: a browser that leaves a page can send no headers."""

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
_OTHERS: Final = {
    "/b": BATCH,
    BEACON: BATCH,
    **dict.fromkeys(("/batch", "/capture", "/e", "/i/v0/e"), POSTHOG),
}


def _paths() -> dict[str, str]:
    names = {name: name for name in _LONG} | _SHORT
    paths = {f"{prefix}{name}": route for prefix in _PREFIXES for name, route in names.items()} | _OTHERS
    return {f"{path}{end}": route for path, route in paths.items() for end in ("", "/")}


PATHS: Final[dict[str, str]] = _paths()
"""Path -> message type, BATCH or POSTHOG."""
