"""Whether a process gets on, told from outside, also when its event loop does not turn."""

import asyncio
import time

import httpx
import pytest

from oneid import health as module
from oneid.embedded.ports import free_port
from oneid.health import Health, serve
from oneid.settings import Settings


def served(health: Health, host: str = "127.0.0.1") -> str:
    port = free_port()
    serve(Settings.model_validate({"metrics_port": port, "host": host}), health)
    return f"http://{'[::1]' if ':' in host else host}:{port}"


def test_a_process_is_well_while_everything_beats_and_names_what_does_not() -> None:
    health = Health()
    url = served(health)
    health.pulse("operations", 60)
    pulse = health.pulse("partition 0", 1)
    answer = httpx.get(f"{url}/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    time.sleep(1.1)
    answer = httpx.get(f"{url}/healthz")
    assert (answer.status_code, answer.json()) == (503, {"status": "hung", "silent": ["partition 0"]})
    pulse.beat()
    assert httpx.get(f"{url}/healthz").status_code == 200
    assert "process_open_fds" in httpx.get(f"{url}/metrics").text


async def test_an_event_loop_that_is_blocked_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TURN_SECONDS", 0.02)
    monkeypatch.setattr(module, "LONGEST_TURN_SECONDS", 0.2)
    health = Health()
    turning = asyncio.create_task(health.turn())
    await asyncio.sleep(0.3)
    assert health.silent() == []
    time.sleep(0.3)  # noqa: ASYNC251 - it is what this is about
    assert health.silent() == ["event loop"]
    await asyncio.sleep(0.05)
    assert health.silent() == []
    turning.cancel()


def test_it_is_served_on_ipv6_too() -> None:
    assert httpx.get(f"{served(Health(), '::1')}/healthz").status_code == 200


def test_without_a_port_nothing_is_served() -> None:
    serve(Settings.model_validate({"metrics_port": None}), Health())
