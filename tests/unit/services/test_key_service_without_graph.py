"""The key service while the graph does not answer at all."""

import asyncio

import pytest

from graph.keys import ApiKeys
from oneid.clock import SystemClock
from oneid.domain.keys import ApiKey
from oneid.errors import Retriable
from oneid.services import keys as module
from oneid.services.keys import KeyService


class Silent(ApiKeys):
    """Never answers."""

    def __init__(self) -> None:
        """Needs no graph."""

    async def get(self, key_id: str) -> ApiKey | None:
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
