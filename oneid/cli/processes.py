"""The three processes of oneid itself: API, consumer and worker."""

import sys
import urllib.request
from collections.abc import Mapping
from typing import Final

from oneid.embedded.errors import ServerError
from oneid.embedded.ports import free_port, http_url, is_free
from oneid.embedded.server import Program
from oneid.settings import Settings

GROUP = "oneid"  # ends before the servers that it uses
_PYTHON = (sys.executable, "-m")

#: Longer than clients and proxies keep an idle connection: who is about to use one finds it open. With uvicorn's own
#: five seconds, those of httpx, a call now and then meets the end.
KEEP_ALIVE_SECONDS: Final = 75


def applications(settings: Settings, environment: Mapping[str, str]) -> list[Program]:
    """API, consumer and worker as programs. `ONEID_PORT` 0 means any free port."""
    port = _port(settings)
    url = http_url(settings.host, port)
    listen = ("--host", settings.host, "--port", str(port))
    patience = ("--timeout-keep-alive", str(KEEP_ALIVE_SECONDS), "--timeout-graceful-shutdown", "10")
    return [
        Program(
            name="api",
            group=GROUP,
            command=[*_PYTHON, "uvicorn", "api.app:app", *listen, *patience, "--no-access-log"],
            ready=lambda: _answers(f"{url}/healthz"),
            environment=environment,
            url=url,
            port=port,
        ),
        _background("consumer", [*_PYTHON, "workers.consumer"], settings, environment),
        _background("worker", [*_PYTHON, "arq", "workers.settings.WorkerSettings"], settings, environment),
    ]


def _background(name: str, command: list[str], settings: Settings, environment: Mapping[str, str]) -> Program:
    """A process that serves nothing but its health and metrics, and these as soon as it works."""
    port = free_port()
    health = f"{http_url(settings.host, port)}/healthz"
    return Program(
        name=name,
        group=GROUP,
        command=command,
        ready=lambda: _answers(health),
        well=lambda: _answers(health),
        environment={**environment, "ONEID_METRICS_PORT": str(port)},
        port=port,
    )


def _port(settings: Settings) -> int:
    if settings.port == 0:
        return free_port()
    if not is_free(settings.port, settings.host):
        raise ServerError(
            f"port {settings.port} is taken by another program; choose another with ONEID_PORT=8001"
        )
    return settings.port


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
