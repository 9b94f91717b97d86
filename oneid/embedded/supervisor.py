"""Starts programs, waits until they answer, notices when one ends and starts it again, stops them all."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from oneid.clock import monotonic
from oneid.embedded.errors import ServerError
from oneid.embedded.process import STEP, Process, ProcessId
from oneid.embedded.server import Program, Ready

Say = Callable[[str], None]
Record = Callable[[dict[str, ProcessId]], None]


@dataclass(frozen=True)
class Pauses:
    """Seconds before a crashed program is started again: doubled with each crash, short again after it ran `steady`.
    `look`: seconds between two questions whether it is well."""

    first: float = 0.5
    longest: float = 30.0
    steady: float = 60.0
    look: float = 10.0


UNWELL_LOOKS = 3  # in a row, until a program counts as hung


@dataclass
class Running:
    """A program and its current process. `was_well`: it has answered since it was started."""

    program: Program
    process: Process
    since: float
    pause: float
    again_at: float | None = None
    was_well: bool = False
    unwell: int = 0
    looked_at: float = 0.0


class Supervisor:
    """Owns the processes of one data directory.

    Must be used from the main thread: Linux ends a child when the thread that started it ends.
    """

    def __init__(self, directory: Path, say: Say, record: Record, pauses: Pauses | None = None) -> None:
        """`record` is told of every change of the processes, before any wait."""
        self._directory = directory
        self._say = say
        self._record = record
        self._pauses = pauses or Pauses()
        self._running: dict[str, Running] = {}

    def start(self, programs: Sequence[Program]) -> None:
        """Starts them all at once and returns when each answers; `ServerError` if one does not."""
        for program in programs:
            self._running[program.name] = Running(
                program, self._spawn(program), monotonic(), self._pauses.first
            )
        self._record(self._processes())
        waiting = [self._running[program.name] for program in programs]
        while waiting:
            waiting = [running for running in waiting if not _is_ready(running)]
            time.sleep(2 * STEP)

    def watch(self) -> None:
        """One look at every process: says who ended or hangs, starts it again when its pause is over, and keeps its
        log short."""
        for running in self._running.values():
            running.process.trim_log()
            if running.process.exit_code is not None:
                self._look_after(running)
            elif running.program.well:
                self._ask(running, running.program.well)

    def watch_forever(self) -> None:
        """Watches until a signal interrupts it."""
        while True:
            self.watch()
            time.sleep(0.5)

    def stop(self, *, at_most: float = math.inf) -> None:
        """Stops everything: the last ones started end before the ones that they use.

        A program gets its own `stop_seconds` before SIGKILL, and `at_most` so many.
        """
        while self._running:
            last = list(self._running.values())[-1]
            group = [
                running for running in self._running.values() if running.program.group == last.program.group
            ]
            self._stop_group(group, at_most)

    def _stop_group(self, group: list[Running], at_most: float) -> None:
        begun = monotonic()
        for running in group:
            running.process.terminate()
        for running in group:
            granted = min(running.program.stop_seconds, at_most)
            running.process.wait(max(0.0, granted - (monotonic() - begun)))
            del self._running[running.program.name]
        self._record(self._processes())

    def _processes(self) -> dict[str, ProcessId]:
        return {name: running.process.id for name, running in self._running.items()}

    def _spawn(self, program: Program) -> Process:
        return Process(program.name, program.command, program.environment, self._directory)

    def _ask(self, running: Running, well: Ready) -> None:
        """Ends a program that was not well several times in a row: whatever hangs does not hear a SIGTERM. One that
        is still starting has its `start_seconds`: on a busy machine it would be ended again and again otherwise."""
        if monotonic() < max(running.looked_at, running.since) + self._pauses.look:
            return
        is_well, running.looked_at = well(), monotonic()
        running.was_well |= is_well
        starting = not running.was_well and monotonic() < running.since + running.program.start_seconds
        running.unwell = 0 if is_well or starting else running.unwell + 1
        if running.unwell >= UNWELL_LOOKS:
            self._say(f"{running.program.name} hangs; it is ended (log: {running.process.log})")
            running.process.wait(0)

    def _look_after(self, running: Running) -> None:
        now = monotonic()
        if running.again_at is None:
            self._plan_restart(running, now)
        elif now >= running.again_at:
            running.process, running.since, running.again_at = self._spawn(running.program), now, None
            running.was_well, running.unwell = False, 0
            self._record(self._processes())
            self._say(f"{running.program.name} was started again")

    def _plan_restart(self, running: Running, now: float) -> None:
        if now - running.since >= self._pauses.steady:
            running.pause = self._pauses.first
        running.again_at = now + running.pause
        self._say(
            f"{running.program.name} ended with code {running.process.exit_code}; "
            f"starting it again in {running.pause:g} s (log: {running.process.log})"
        )
        running.pause = min(2 * running.pause, self._pauses.longest)


def _is_ready(running: Running) -> bool:
    program, process = running.program, running.process
    if process.exit_code is not None:
        raise ServerError(
            f"{program.name} ended with code {process.exit_code} while it started; "
            f"the end of {process.log}:\n{process.last_lines()}"
        )
    if program.ready():
        return True
    if monotonic() > running.since + program.start_seconds:
        raise ServerError(
            f"{program.name} did not answer within {program.start_seconds:.0f} s; see {process.log}"
        )
    return False
