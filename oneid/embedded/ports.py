"""Finds free TCP ports, on the loopback address unless told."""

import errno
import random
import socket
from collections.abc import Iterable
from typing import Any

from oneid.embedded.errors import ServerError

LOOPBACK = "127.0.0.1"


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen there now. Raises ServerError if the host is not this machine."""
    family, address = _address(host, port)
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise _foreign(host) from None
            return False
        return True


def _address(host: str, port: int) -> tuple[socket.AddressFamily, tuple[Any, ...]]:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError:
        raise _foreign(host) from None
    return family, address


def _foreign(host: str) -> ServerError:
    return ServerError(f"{host} is no address of this machine; choose another with ONEID_HOST=127.0.0.1")


def http_url(host: str, port: int) -> str:
    """The address of a server; an IPv6 address stands in brackets."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


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
