"""A whole oneid of its own, as `oneid up` starts it, whose parts a test may kill."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from oneid.embedded.state import State, load
from oneid.settings import Settings

READY_SECONDS = 240.0


@dataclass(frozen=True)
class Stack:
    """A running oneid. `state` is read anew each time: killed parts come back as other processes."""

    directory: Path
    process: "subprocess.Popen[bytes]"

    @property
    def state(self) -> State:
        return load(self.directory)

    @property
    def url(self) -> str:
        return self.state.urls["api"]

    def settings(self) -> Settings:
        urls = self.state.urls
        return Settings.model_validate(
            {
                "neo4j_url": urls["neo4j"],
                "redis_url": urls["redis"],
                "opensearch_url": urls["opensearch"],
                "mode": "sandbox",
                "data_dir": self.directory,
            }
        )

    def kill(self, name: str) -> int:
        """kill -9 of one part; the pid it had."""
        pid = self.state.processes[name].pid
        os.kill(pid, signal.SIGKILL)
        return pid

    def signal(self, name: str, number: signal.Signals) -> None:
        os.kill(self.state.processes[name].pid, number)

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Returns when the API says that it and the three servers are well."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError(f"oneid up ended with {self.process.returncode}")
            with suppress(httpx.HTTPError, KeyError):
                if httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200:
                    return
            time.sleep(0.5)
        raise AssertionError("oneid is not ready in time")


@contextmanager
def running_stack(directory: Path) -> Generator[Stack]:
    """Starts `oneid up` on an empty directory and stops it at the end."""
    environment = {**os.environ, "ONEID_DATA_DIR": str(directory), "ONEID_PORT": "0"}
    with open(directory.parent / f"{directory.name}.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "oneid.cli", "up"], env=environment, stdout=log, stderr=log
        )
    try:
        stack = Stack(directory, process)
        stack.wait_ready()
        yield stack
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
