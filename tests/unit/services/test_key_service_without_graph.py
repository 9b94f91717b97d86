"""The key service while the graph does not answer at all."""

import asyncio
import time
from typing import Final

import pytest

from graph.keys import ApiKeys
from oneid.clock import SystemClock
from oneid.domain.keys import WRITE_SCOPES, ApiKey, KeyKind, hash_key, key_id
from oneid.errors import Retriable
from oneid.services import keys as module
from oneid.services.keys import KeyService

KEY: Final = ApiKey(
    id=key_id("WK"),
    kind=KeyKind.WRITE,
    name="web",
    hash=hash_key("WK"),
    scopes=WRITE_SCOPES,
    created_at="2026-01-05T08:00:00.000Z",
    last_used_at="2099-01-05T08:00:00.000Z",
)


class Silent(ApiKeys):
    """Never answers, or only so often, or refuses."""

    def __init__(self, answers: int = 0, refuses: bool = False) -> None:
        self.answers = answers
        self.refuses = refuses

    async def get(self, key_id: str) -> ApiKey | None:
        if self.answers:
            self.answers -= 1
            return KEY
        if self.refuses:
            raise Retriable("the graph is away")
        await asyncio.Event().wait()
        raise AssertionError


async def test_callers_hear_soon_that_it_is_unavailable_and_closing_does_not_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LOOKUP_DEADLINE_SECONDS", 0.05)
    keys = KeyService(Silent(), SystemClock(), "sandbox")
    async with asyncio.timeout(2):
        with pytest.raises(Retriable):
            await keys.authenticate_write("WK")
        await keys.close()


@pytest.mark.parametrize("refuses", [False, True], ids=["silent", "refusing"])
async def test_while_the_graph_is_silent_only_the_first_caller_waits_for_it(
    monkeypatch: pytest.MonkeyPatch, refuses: bool
) -> None:
    monkeypatch.setattr(module, "LOOKUP_DEADLINE_SECONDS", 0.3)
    monkeypatch.setattr(module, "STALE_SECONDS", 0.0)
    monkeypatch.setattr(module, "FRESH_SECONDS", 0.0)
    stored = Silent(answers=1, refuses=refuses)
    keys = KeyService(stored, SystemClock(), "sandbox")
    actor = await keys.authenticate_write("WK")
    assert await keys.authenticate_write("WK") == actor
    begin = time.monotonic()
    for _ in range(50):
        assert await keys.authenticate_write("WK") == actor
        await asyncio.sleep(0.01)
    assert time.monotonic() - begin < 1.5
    await keys.close()


async def test_a_graph_that_answers_again_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOKUP_DEADLINE_SECONDS", 0.1)
    monkeypatch.setattr(module, "STALE_SECONDS", 0.0)
    monkeypatch.setattr(module, "FRESH_SECONDS", 0.0)
    stored = Silent(answers=1, refuses=True)
    keys = KeyService(stored, SystemClock(), "sandbox")
    await keys.authenticate_write("WK")
    await keys.authenticate_write("WK")
    stored.answers = 100
    await asyncio.sleep(0.15)
    left = stored.answers
    for _ in range(3):
        await keys.authenticate_write("WK")
    assert stored.answers == left - 3
    await keys.close()
