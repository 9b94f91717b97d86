"""The three processes of oneid itself: API, consumer and worker."""

import sys
import urllib.request
from collections.abc import Mapping

from oneid.embedded.errors import ServerError
from oneid.embedded.ports import free_port, is_free
from oneid.embedded.server import Program
from oneid.settings import Settings

GROUP = "oneid"  # ends before the servers that it uses
_PYTHON = (sys.executable, "-m")


def applications(settings: Settings, environment: Mapping[str, str]) -> list[Program]:
    """API, consumer and worker as programs. `ONEID_PORT` 0 means any free port."""
    port = _port(settings)
    url = f"http://{settings.host}:{port}"
    listen = ("--host", settings.host, "--port", str(port), "--timeout-graceful-shutdown", "10")
    return [
        Program(
            name="api",
            group=GROUP,
            command=[*_PYTHON, "uvicorn", "api.app:app", *listen, "--no-access-log"],
            ready=lambda: _healthy(url),
            environment=environment,
            url=url,
            port=port,
        ),
        Program(
            name="consumer",
            group=GROUP,
            command=[*_PYTHON, "workers.consumer"],
            ready=_at_once,
            environment=environment,
        ),
        Program(
            name="worker",
            group=GROUP,
            command=[*_PYTHON, "arq", "workers.settings.WorkerSettings"],
            ready=_at_once,
            environment=environment,
        ),
    ]


def _port(settings: Settings) -> int:
    if settings.port == 0:
        return free_port()
    if not is_free(settings.port, settings.host):
        raise ServerError(
            f"port {settings.port} is taken by another program; choose another with ONEID_PORT=8001"
        )
    return settings.port


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _at_once() -> bool:
    """They listen nowhere; the supervisor notices if they end."""
    return True
