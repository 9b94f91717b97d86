"""Ctrl-C and SIGTERM end a supervisor once, and never in the middle of its clean-up."""

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Handler = Callable[[int, FrameType | None], object] | int


class StopRequested(Exception):
    """A signal asked this process to end."""


@contextmanager
def until_stopped() -> Generator[None]:
    """The first signal ends the block without an error; more of them change nothing."""
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if not asked:
            asked = True
            raise StopRequested

    with _handled_by(ask):
        try:
            yield
        except StopRequested:
            return


@contextmanager
def uninterrupted() -> Generator[None]:
    """Signals change nothing until the block ends."""
    with _handled_by(signal.SIG_IGN):
        yield


@contextmanager
def _handled_by(handler: Handler) -> Generator[None]:
    before = {number: signal.signal(number, handler) for number in ENDING}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
