"""A running `oneid up`: the one there is, or one started for as long as a command needs it."""

import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from oneid.clock import monotonic
from oneid.embedded import state
from oneid.embedded.errors import ServerError
from oneid.embedded.state import State
from oneid.settings import Settings

START_SECONDS: Final = 900
"""A first start fetches a few hundred megabytes."""


@contextmanager
def running_up(settings: Settings, say: Callable[[str], None]) -> Generator[State]:
    """Where it listens and its keys. What was started here is stopped at the end."""
    current = state.load(settings.data_dir)
    if _answers(current):
        yield current
        return
    say("oneid is not running: starting it ...")
    with _started() as process:
        yield _wait(process, settings.data_dir)
        say("stopping it again; `make up` starts it for good, with all that was stored")


@contextmanager
def _started() -> Generator[subprocess.Popen[bytes]]:
    """It speaks for itself: a first start fetches its servers and shows how far it is."""
    command = [sys.executable, "-c", "from oneid.cli import app; app()", "up"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _wait(process: subprocess.Popen[bytes], directory: Path) -> State:
    deadline = monotonic() + START_SECONDS
    while monotonic() < deadline and process.poll() is None:
        current = state.load(directory)
        # The addresses of an earlier run stay in the file: this one must be the owner.
        if current.supervisor and current.supervisor.pid == process.pid and _answers(current):
            return current
        time.sleep(0.5)
    raise ServerError("oneid did not start")


def _answers(current: State) -> bool:
    """Whether the owner of the data directory is alive and its API ready for events."""
    if current.supervisor is None or not current.supervisor.alive() or "api" not in current.alive():
        return False
    try:
        with urllib.request.urlopen(f"{current.urls['api']}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
