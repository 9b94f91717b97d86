"""Processes that are not our children: found again by start time, ended."""

import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from oneid.embedded import process as module
from oneid.embedded.process import Process, ProcessId, start_time, stop_others, this_process, wait_until

#: Starts a supervised child, prints its pid and is then killed by the test.
PARENT = """
import sys, time
from pathlib import Path
from oneid.embedded.process import Process
child = Process("child", [sys.executable, "-S", "-c", "import time; time.sleep(60)"], {}, Path(sys.argv[1]))
print(child.id.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def sleeper() -> Generator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


def test_a_process_is_known_by_pid_and_start_time(sleeper: subprocess.Popen[bytes]) -> None:
    known = ProcessId(sleeper.pid, start_time(sleeper.pid))
    assert known.alive()
    sleeper.kill()
    sleeper.wait()
    assert not known.alive()


def test_no_process_has_no_start_time() -> None:
    assert start_time(2**22 + 1) == ""
    assert not ProcessId(2**22 + 1, "").alive()


def test_a_stranger_with_a_recorded_pid_is_left_alone(sleeper: subprocess.Popen[bytes]) -> None:
    assert stop_others([ProcessId(sleeper.pid, "0")], 1) == 0
    assert sleeper.poll() is None


def test_leftovers_are_ended(sleeper: subprocess.Popen[bytes]) -> None:
    left = ProcessId(sleeper.pid, start_time(sleeper.pid))
    assert stop_others([left], 10) == 1
    assert sleeper.wait(10) == -signal.SIGTERM


def test_this_process_is_alive() -> None:
    assert this_process().alive()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        child = ProcessId(pid, start_time(pid))
        assert child.alive()
        parent.kill()
    assert wait_until(lambda: not child.alive(), 10)


def test_a_long_log_is_begun_anew_and_the_one_before_it_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOG_BYTES", 1000)
    writes = "import time\nn = 0\nwhile True:\n    print(n, 'x' * 20, flush=True)\n    n += 1\n    time.sleep(0.002)"
    process = Process("writer", [sys.executable, "-S", "-c", writes], {}, tmp_path)
    kept, trims = tmp_path / "logs" / "writer.log.1", 0

    def trimmed_thrice() -> bool:
        nonlocal trims
        before = kept.stat().st_mtime_ns if kept.exists() else 0
        process.trim_log()
        trims += (kept.stat().st_mtime_ns if kept.exists() else 0) != before
        return trims >= 3

    assert wait_until(trimmed_thrice, 20)
    process.wait(0)
    lines = [line for path in (kept, process.log) for line in path.read_text().splitlines()]
    assert kept.stat().st_size < 5000
    numbers = [int(line.split()[0]) for line in lines]
    assert numbers == sorted(numbers)
    assert numbers[0] > 0
