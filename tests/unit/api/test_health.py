"""Readiness: every server answers in time, or the one that does not is named."""

import asyncio

import orjson
import pytest
from starlette.requests import Request

from api.health import Readiness

REQUEST = Request({"type": "http", "headers": []})


async def fine() -> None:
    """Answers."""


async def broken() -> None:
    raise ConnectionError


async def silent() -> None:
    await asyncio.Event().wait()


async def test_ready_when_all_answer() -> None:
    response = await Readiness({"one": fine, "two": fine}).answer(REQUEST)
    assert response.status_code == 200
    assert orjson.loads(response.body)["servers"] == {"one": "ok", "two": "ok"}


async def test_not_ready_names_who_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.health.CHECK_SECONDS", 0.05)
    response = await Readiness({"one": fine, "two": broken, "three": silent}).answer(REQUEST)
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert orjson.loads(response.body) == {
        "status": "not ready",
        "servers": {"one": "ok", "two": "unavailable", "three": "no answer"},
    }
