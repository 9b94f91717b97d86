"""`oneid up` as a user meets it: started, refused twice, mended, examined, stopped, started again."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from oneid.embedded import state
from oneid.embedded.process import wait_until
from oneid.embedded.state import State
from tests.servers import Servers

APPLICATIONS = {"api", "consumer", "worker"}
SECONDS = 90


@pytest.fixture
def environment(servers: Servers, tmp_path: Path) -> dict[str, str]:
    """The session's servers, and a data directory of its own for everything else."""
    own = {"ONEID_DATA_DIR": str(tmp_path), "ONEID_PORT": "0"}
    return {**os.environ, **servers.environment(), **own}


def oneid(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from oneid.cli import app; app()", *arguments]


def run(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(oneid(*arguments), env=environment, capture_output=True, text=True, timeout=SECONDS)


@contextmanager
def up(environment: Mapping[str, str], directory: Path) -> Generator[subprocess.Popen[str]]:
    """A running `oneid up` whose API answers."""
    with (directory / "up.out").open("w") as shown:
        supervisor = subprocess.Popen(oneid("up"), env=environment, stdout=shown, stderr=shown, text=True)
    with supervisor:
        try:
            assert wait_until(lambda: "Ctrl-C stops everything" in said(directory), SECONDS), said(directory)
            yield supervisor
        finally:
            supervisor.kill()


def said(directory: Path) -> str:
    return (directory / "up.out").read_text()


def schema_answers(current: State) -> bool:
    try:
        answer = httpx.post(
            f"{current.urls['api']}/graphql",
            json={"query": "{ __typename }"},
            headers={"Authorization": f"Bearer {current.keys['admin']}"},
        )
    except httpx.HTTPError:
        return False
    return answer.status_code == 200 and answer.json()["data"] == {"__typename": "Query"}


@pytest.mark.timeout(400)
def test_up_serves_mends_refuses_a_second_one_and_stops(
    clean: None, environment: dict[str, str], tmp_path: Path
) -> None:
    with up(environment, tmp_path) as supervisor:
        first = state.load(tmp_path)
        assert set(first.alive()) == APPLICATIONS
        assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600
        assert first.keys["admin"] in said(tmp_path)
        assert first.keys["write"] in said(tmp_path)
        assert wait_until(lambda: schema_answers(first), SECONDS)

        second = run(environment, "up")
        assert second.returncode == 1
        assert f"already running on {tmp_path} (process {supervisor.pid})" in second.stderr

        os.kill(first.processes["api"].pid, signal.SIGKILL)
        assert wait_until(lambda: state.load(tmp_path).processes["api"] != first.processes["api"], SECONDS)
        assert wait_until(lambda: schema_answers(first), SECONDS)
        assert "api ended with code -9; starting it again in 0.5 s" in said(tmp_path)

        examined = run(environment, "doctor")
        assert (examined.returncode, "everything is well" in examined.stdout) == (0, True), examined.stdout

        processes = state.load(tmp_path).processes
        stopped = run(environment, "stop")
        assert (stopped.returncode, stopped.stdout) == (0, "stopped\n")
        assert supervisor.wait(SECONDS) == 0
    assert not any(process.alive() for process in processes.values())
    assert run(environment, "stop").stdout == "nothing was running\n"

    with up(environment, tmp_path) as supervisor:
        again = state.load(tmp_path)
        assert again.keys == first.keys
        assert wait_until(lambda: schema_answers(again), SECONDS)
        supervisor.send_signal(signal.SIGINT)
        assert supervisor.wait(SECONDS) == 0
    assert set(again.processes) == APPLICATIONS
    assert not any(process.alive() for process in again.processes.values())
    assert said(tmp_path).endswith("stopped\n")


@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_a_killed_up_takes_its_processes_with_it(
    clean: None, environment: dict[str, str], tmp_path: Path
) -> None:
    with up(environment, tmp_path) as supervisor:
        processes = state.load(tmp_path).processes
        supervisor.kill()
        supervisor.wait()
    assert wait_until(lambda: not any(process.alive() for process in processes.values()), SECONDS)


def test_a_port_in_use_is_said_and_nothing_is_left_running(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        refused = run({**environment, "ONEID_PORT": port}, "up")
    assert refused.returncode == 1
    assert f"port {port} is taken by another program" in refused.stderr
    assert state.load(tmp_path).processes == {}
