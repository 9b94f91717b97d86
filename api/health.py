"""Operations: is the process alive, can it work, what has it measured."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

Check = Callable[[], Awaitable[object]]
"""Returns if a server answers and raises if it does not."""

CHECK_SECONDS: Final = 2.0


async def healthz(request: Request) -> Response:
    """200 as long as the process answers at all."""
    return JSONResponse({"status": "ok"})


class Readiness:
    """200 when every server answers within CHECK_SECONDS, else 503 that names those that do not."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks

    async def answer(self, request: Request) -> Response:
        states = await asyncio.gather(*(_state(check) for check in self._checks.values()))
        servers = dict(zip(self._checks, states, strict=True))
        ready = all(state == "ok" for state in states)
        content = {"status": "ready" if ready else "not ready", "servers": servers}
        return JSONResponse(content, 200 if ready else 503, None if ready else {"Retry-After": "1"})


async def _state(check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except TimeoutError:
        return "no answer"
    except Exception:
        return "unavailable"
    return "ok"


async def metrics(request: Request) -> Response:
    """Prometheus text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
