"""Whether a process gets on: each thing that runs gives a sign of life, and what does not for too long is hung.

A process that waits for a server that is away is well: it says so again and again, and to end it would help nobody.
"""

import asyncio
import socket
from collections.abc import Callable, Iterable
from socketserver import TCPServer, ThreadingMixIn
from threading import Thread
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import orjson
from prometheus_client import make_wsgi_app

from oneid.clock import monotonic
from oneid.settings import Settings

#: The event loop turns many times a second, unless something blocks it.
TURN_SECONDS: Final = 1.0
LONGEST_TURN_SECONDS: Final = 30.0

Respond = Callable[[str, list[tuple[str, str]]], Any]


class Pulse:
    """The sign of life of one thing, due every `longest` seconds."""

    def __init__(self, name: str, longest: float) -> None:
        self.name = name
        self.longest = longest
        self._at = monotonic()

    def beat(self) -> None:
        self._at = monotonic()

    @property
    def is_silent(self) -> bool:
        return monotonic() - self._at > self.longest


class Health:
    """The pulses of one process."""

    def __init__(self) -> None:
        self._pulses: list[Pulse] = []

    def pulse(self, name: str, longest: float) -> Pulse:
        """A new one, to `beat` at least every `longest` seconds."""
        self._pulses.append(Pulse(name, longest))
        return self._pulses[-1]

    def silent(self) -> list[str]:
        """The names of those that are overdue."""
        return [pulse.name for pulse in self._pulses if pulse.is_silent]

    async def turn(self) -> None:
        """Is a pulse for as long as the event loop turns. Runs until it is cancelled."""
        pulse = self.pulse("event loop", LONGEST_TURN_SECONDS)
        while True:
            pulse.beat()
            await asyncio.sleep(TURN_SECONDS)


def serve(settings: Settings, health: Health) -> None:
    """Serves /metrics and /healthz of a process that serves nothing else, where a port is set for it. From a thread,
    which answers also while the event loop hangs: 503 then, with the names of what is silent."""
    if settings.metrics_port is None:
        return
    family = socket.getaddrinfo(settings.host, settings.metrics_port)[0][0]
    server_class = _Server6 if family is socket.AF_INET6 else _Server
    server = make_server(
        settings.host, settings.metrics_port, application(health), server_class, handler_class=_Quiet
    )
    Thread(target=server.serve_forever, name="health", daemon=True).start()


def application(health: Health) -> Callable[[dict[str, Any], Respond], Iterable[bytes]]:
    """The WSGI application of `serve`."""
    metrics = make_wsgi_app()

    def answer(environ: dict[str, Any], respond: Respond) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/healthz":
            found: Iterable[bytes] = metrics(environ, respond)
            return found
        silent = health.silent()
        respond("503 Service Unavailable" if silent else "200 OK", [("content-type", "application/json")])
        return [orjson.dumps({"status": "hung", "silent": silent} if silent else {"status": "ok"})]

    return answer


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Without asking the DNS for a name, which may take long when it is away."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """One line a request says nothing."""
