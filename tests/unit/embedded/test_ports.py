"""Ports that nothing else uses."""

import socket

import pytest

from oneid.embedded.errors import ServerError
from oneid.embedded.ports import LOOPBACK, free_port, is_free


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
