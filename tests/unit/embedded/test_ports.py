"""Ports that nothing else uses."""

import socket

import pytest

from oneid.embedded.errors import ServerError
from oneid.embedded.ports import LOOPBACK, free_port, http_url, is_free


def test_a_port_that_someone_listens_on_is_not_free() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        assert not is_free(listener.getsockname()[1])


def test_the_preferred_port_is_kept_while_it_is_free() -> None:
    port = free_port()
    assert free_port(port) == port


def test_another_port_is_found_when_the_preferred_one_is_taken() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        taken: int = listener.getsockname()[1]
        found = free_port(taken)
    assert found != taken
    assert is_free(found)


def test_a_port_is_found_within_a_range() -> None:
    assert free_port(within=range(2000, 9300)) in range(2000, 9300)


def test_a_full_range_is_said_in_a_sentence() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        taken: int = listener.getsockname()[1]
        with pytest.raises(ServerError, match=f"no port from {taken} to {taken} is free"):
            free_port(within=range(taken, taken + 1))


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_an_ipv6_address_is_looked_at_like_any_other() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        taken: int = listener.getsockname()[1]
        assert not is_free(taken, "::1")
    assert is_free(taken, "::1")


@pytest.mark.parametrize("host", ["203.0.113.1", "nowhere.invalid"])
def test_an_address_of_another_machine_is_told_from_a_taken_port(host: str) -> None:
    with pytest.raises(
        ServerError, match=f"{host} is no address of this machine; choose another with ONEID_HOST="
    ):
        is_free(8000, host)


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:80"), ("::1", "http://[::1]:80"), ("shop", "http://shop:80")],
)
def test_an_ipv6_address_stands_in_brackets(host: str, url: str) -> None:
    assert http_url(host, 80) == url
