"""Where callers put their key."""

from collections.abc import Mapping

from oneid.errors import Unauthenticated

INIT_NAMES = ("authorization", "apikey", "token", "key")


def bearer(headers: Mapping[str, str]) -> str:
    """The token of `Authorization: Bearer`; "" without one."""
    return token(headers.get("authorization", ""))


def token(value: str) -> str:
    scheme, _, text = value.strip().partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def from_init(payload: Mapping[str, object]) -> str:
    """The key in a connection_init payload: `Authorization: Bearer ...`, or the bare key under apiKey, token
    or key, whatever the case of the names. Raises Unauthenticated."""
    given = {name.lower(): value for name, value in payload.items() if isinstance(value, str)}
    for name in INIT_NAMES:
        if name in given:
            return token(given[name]) or given[name].strip()
    nested = payload.get("headers")
    if isinstance(nested, Mapping):
        return from_init(nested)
    raise Unauthenticated("no key: send Authorization: Bearer sk_... as header or in connection_init")
