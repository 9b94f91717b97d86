"""A running `oneid up`, used as anybody outside uses it: the command line, HTTP, and kill -9."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx

from oneid.clock import monotonic
from oneid.embedded import state

ONEID: Final = (sys.executable, "-c", "from oneid.cli import app; app()")

INGEST: Final = """
mutation Ingest($events: EventBatch!, $wait: IngestWait!) {
  ingestEvents(input: { events: $events, wait: $wait }) {
    results { status oneId userErrors { message } }
    userErrors { message }
  }
}
"""
WHO: Final = """
query Who($by: CustomerLookup!) {
  customer(by: $by) { oneId identifiers { type value } events(first: 1) { totalCount } }
}
"""
TOTALS: Final = """
query Totals($names: [String!], $sum: String, $groupBy: EventGroup) {
  eventTotals(names: $names, sum: $sum, groupBy: $groupBy) { key events customers sum }
}
"""


class Deployment:
    """What runs on one data directory."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self.directory = directory
        self.environment = {**os.environ, **environment, "ONEID_DATA_DIR": str(directory), "COLUMNS": "160"}

    @property
    def url(self) -> str:
        return state.load(self.directory).urls["api"]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts `oneid` with these arguments."""
        return subprocess.Popen(
            [*ONEID, *arguments],
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Exit code and output of `oneid` with these arguments."""
        return finished(self.start(*arguments))

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of a GraphQL answer without errors."""
        key = state.load(self.directory).keys["admin"]
        answer = httpx.post(
            f"{self.url}/graphql",
            headers={"authorization": f"Bearer {key}"},
            json={"query": query, "variables": variables},
            timeout=120,
        ).json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    def customer(self, kind: str, value: str) -> dict[str, Any] | None:
        """Who has this identifier."""
        found: dict[str, Any] | None = self.ask(WHO, by={"identifier": {"type": kind, "value": value}})[
            "customer"
        ]
        return found

    def totals(self, name: str, **more: str) -> list[dict[str, Any]]:
        """`eventTotals` of one event name."""
        found: list[dict[str, Any]] = self.ask(TOTALS, names=[name], **more)["eventTotals"]
        return found

    def drain(self, seconds: float) -> None:
        """Returns when all that was accepted before is resolved and searchable.

        One partition is resolved in order: what comes after a message tells that the message is done.
        """
        who = f"drain-{uuid4().hex}"
        event = {"type": "track", "event": "Drained", "userId": who}
        self.ask(INGEST, events=[event], wait="ACCEPTED")
        wait_for(lambda: self.customer("user_id", who) is not None, seconds, "the log is not drained")
        wait_for(lambda: self._searchable(event), 120, "the index does not answer in time")

    def _searchable(self, event: dict[str, Any]) -> bool:
        results = self.ask(INGEST, events=[event], wait="INDEXED")["ingestEvents"]["results"]
        return bool(results[0]["status"] == "INDEXED")

    def accepted(self) -> float:
        """Events that the API's process has accepted since it started."""
        name = 'oneid_ingest_items_total{result="accepted"}'
        lines = httpx.get(f"{self.url}/metrics", timeout=30).text.splitlines()
        return next(float(line.split()[-1]) for line in lines if line.startswith(name))

    def kill(self, *names: str) -> None:
        """kill -9 of these processes; returns when the supervisor has started others."""
        before = state.load(self.directory).processes
        for name in names:
            os.kill(before[name].pid, signal.SIGKILL)
        wait_for(lambda: self._others(before, names), 60, f"{names} were not started again")

    def _others(self, before: Mapping[str, object], names: Sequence[str]) -> bool:
        now = state.load(self.directory).alive()
        return all(name in now and now[name] != before[name] for name in names)


@contextmanager
def deployment(directory: Path, **environment: str) -> Generator[Deployment]:
    """`oneid up` on a free port, answering; stopped at the end."""
    found = Deployment(directory, {"ONEID_PORT": "0", **environment})
    directory.mkdir(exist_ok=True)
    with (directory / "up.log").open("w") as log:
        process = subprocess.Popen(
            [*ONEID, "up"],
            env=found.environment,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(lambda: _is_up(process, directory), 300, "oneid did not start")
        yield found
    finally:
        process.terminate()
        process.wait(120)


def _is_up(process: subprocess.Popen[bytes], directory: Path) -> bool:
    said = (directory / "up.log").read_text()
    assert process.poll() is None, said
    return "oneid is up" in said


def finished(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and output, once it has ended."""
    output, _ = process.communicate(timeout=3600)
    return process.returncode, output


def wait_for(condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
    """Returns when the condition holds; fails with `otherwise` after so many seconds."""
    deadline = monotonic() + seconds
    while not condition():
        assert monotonic() < deadline, otherwise
        time.sleep(0.2)
