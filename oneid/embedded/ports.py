"""Finds free TCP ports on the loopback address."""

import random
import socket
from collections.abc import Iterable

from oneid.embedded.errors import ServerError

LOOPBACK = "127.0.0.1"


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def free_port(preferred: int | None = None, within: range | None = None) -> int:
    """`preferred` if it is free, else any free port, of `within` if given."""
    if preferred is not None and is_free(preferred):
        return preferred
    if within is None:
        return _any_port()
    return _first_free(random.sample(within, len(within)), within)


def _any_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _first_free(candidates: Iterable[int], within: range) -> int:
    for port in candidates:
        if is_free(port):
            return port
    raise ServerError(f"no port from {within.start} to {within.stop - 1} is free")
