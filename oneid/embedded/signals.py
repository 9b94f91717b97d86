"""Ctrl-C and SIGTERM end a supervisor once, and never in the middle of its clean-up."""

import signal
from types import FrameType, TracebackType
from typing import Any, Self

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(Exception):
    """A signal asked this process to end."""


class Stop:
    """While entered, the first signal raises `StopRequested` at once; later ones change nothing.

    `StopRequested` does not leave the `with` block.
    """

    def __init__(self) -> None:
        self._requested = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in ENDING:
            self._before[number] = signal.signal(number, self._request)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        return isinstance(error, StopRequested)

    def _request(self, number: int, frame: FrameType | None) -> None:
        if not self._requested:
            self._requested = True
            raise StopRequested
