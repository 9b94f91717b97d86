"""Child processes: started with a log and a pid file, told from strangers by their start time, stopped cleanly."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from oneid.clock import monotonic
from oneid.embedded import child

STEP = 0.05  # seconds between two looks at a process
LOG_BYTES = 32 * 2**20  # of one log; the one before it is kept beside it, with .1 at its end


@dataclass(frozen=True)
class ProcessId:
    """A pid and when that process started: together they name one process, also after the pid is used again."""

    pid: int
    started: str

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return self.started != "" and start_time(self.pid) == self.started


def this_process() -> ProcessId:
    return ProcessId(os.getpid(), start_time(os.getpid()))


def start_time(pid: int) -> str:
    """When the process started, comparable only with itself; empty if there is none, or only a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return "" if Path("/proc/self/stat").exists() else _start_time_from_ps(pid)
    except ProcessLookupError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]


def _start_time_from_ps(pid: int) -> str:
    listing = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True)
    state, _, started = listing.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else started.strip()


class Process:
    """One running child, in a session of its own so that Ctrl-C reaches only the supervisor."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], directory: Path
    ) -> None:
        """Logs go to `directory`/logs/`name`.log, the pid to `directory`/run/`name`.pid."""
        self.name = name
        self.log = directory / "logs" / f"{name}.log"
        self._pid_file = directory / "run" / f"{name}.pid"
        for path in (self.log, self._pid_file):
            path.parent.mkdir(parents=True, exist_ok=True)
        wrapper = [sys.executable, "-I", "-S", child.__file__, str(os.getpid())]
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                [*wrapper, *command],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.id = ProcessId(self._popen.pid, start_time(self._popen.pid))
        self._pid_file.write_text(str(self.id.pid))

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._popen.poll()

    def terminate(self) -> None:
        """Asks it to end."""
        if self.exit_code is None:
            self._popen.send_signal(signal.SIGTERM)

    def wait(self, seconds: float) -> None:
        """Returns when it has ended, by SIGKILL if `seconds` were not enough."""
        try:
            self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        self._pid_file.unlink(missing_ok=True)

    def trim_log(self) -> None:
        """Begins the log anew once it is long: the process appends, and goes on at the new beginning."""
        if self.log.stat().st_size > LOG_BYTES:
            shutil.copyfile(self.log, self.log.with_suffix(".log.1"))
            os.truncate(self.log, 0)

    def last_lines(self, count: int = 8) -> str:
        """The end of its log."""
        with self.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 4000))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-count:])


def stop_others(processes: Sequence[ProcessId], seconds: float) -> int:
    """Ends processes that are not our children, SIGTERM first; says how many of them were alive."""
    alive = [process for process in processes if process.alive()]
    for process in alive:
        _signal(process, signal.SIGTERM)
    wait_until(lambda: not any(process.alive() for process in alive), seconds)
    for process in alive:
        if process.alive():
            _signal(process, signal.SIGKILL)
    wait_until(lambda: not any(process.alive() for process in alive), 5)
    return len(alive)


def wait_until(done: Callable[[], bool], seconds: float) -> bool:
    """Whether `done` came true within `seconds`."""
    deadline = monotonic() + seconds
    while not done():
        if monotonic() >= deadline:
            return False
        time.sleep(STEP)
    return True


def _signal(process: ProcessId, number: signal.Signals) -> None:
    try:
        os.kill(process.pid, number)
    except ProcessLookupError:
        return
