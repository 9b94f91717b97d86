"""Programs are started, watched, started again and stopped."""

import os
import signal
import sys
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from oneid.embedded.errors import ServerError
from oneid.embedded.process import ProcessId, wait_until
from oneid.embedded.server import Program
from oneid.embedded.supervisor import Pauses, Supervisor

SLEEPS = "import time; time.sleep(60)"
STUBBORN = (
    f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); {SLEEPS}"
)


@dataclass
class Stage:
    """A supervisor and everything that it said and recorded."""

    supervisor: Supervisor
    directory: Path
    said: list[str] = field(default_factory=list[str])
    recorded: list[dict[str, ProcessId]] = field(default_factory=list[dict[str, ProcessId]])

    def pid(self, name: str) -> int:
        return self.recorded[-1][name].pid


@pytest.fixture
def stage(tmp_path: Path) -> Generator[Stage]:
    said: list[str] = []
    recorded: list[dict[str, ProcessId]] = []
    supervisor = Supervisor(tmp_path, said.append, recorded.append, Pauses(first=0.1, longest=0.2, look=0.05))
    yield Stage(supervisor, tmp_path, said, recorded)
    supervisor.stop()


def python(name: str, code: str, *, group: str = "servers", stop_seconds: float = 10) -> Program:
    return Program(
        name=name,
        command=[sys.executable, "-S", "-c", code],
        ready=lambda: True,
        group=group,
        stop_seconds=stop_seconds,
    )


def test_a_started_program_has_a_pid_file_and_a_log(stage: Stage) -> None:
    stage.supervisor.start([python("one", "print('hello', flush=True); import time; time.sleep(60)")])
    assert (stage.directory / "run" / "one.pid").read_text() == str(stage.pid("one"))
    log = stage.directory / "logs" / "one.log"
    assert wait_until(lambda: "hello" in log.read_text(), 10)


def test_a_program_that_ends_while_it_starts_is_named_with_the_end_of_its_log(stage: Stage) -> None:
    program = Program(
        name="broken",
        command=[sys.executable, "-S", "-c", "print('no such file'); raise SystemExit(3)"],
        ready=lambda: False,
    )
    with pytest.raises(ServerError, match=r"(?s)broken ended with code 3 while it started.*no such file"):
        stage.supervisor.start([program])


def test_a_program_that_never_answers_is_given_up(stage: Stage) -> None:
    program = Program(
        name="mute", command=[sys.executable, "-S", "-c", SLEEPS], ready=lambda: False, start_seconds=0.3
    )
    with pytest.raises(ServerError, match=r"mute did not answer within 0 s; see .*mute\.log"):
        stage.supervisor.start([program])


def test_a_crash_is_noticed_said_and_mended(stage: Stage) -> None:
    stage.supervisor.start([python("one", SLEEPS), python("two", SLEEPS)])
    first, untouched = stage.pid("one"), stage.pid("two")
    os.kill(first, signal.SIGKILL)

    def mended() -> bool:
        stage.supervisor.watch()
        return len(stage.said) == 2

    assert wait_until(mended, 10)
    assert stage.said[0].startswith("one ended with code -9; starting it again in 0.1 s")
    assert stage.said[1] == "one was started again"
    assert stage.pid("one") != first
    assert stage.pid("two") == untouched


def test_a_program_that_hangs_is_noticed_said_and_started_again(stage: Stage) -> None:
    answers = iter([True, False, False, True, False, False, False])
    program = replace(python("one", STUBBORN), well=lambda: next(answers, True))
    stage.supervisor.start([program, python("two", SLEEPS)])
    first, untouched = stage.pid("one"), stage.pid("two")

    def mended() -> bool:
        stage.supervisor.watch()
        return len(stage.said) == 3

    assert wait_until(mended, 10)
    assert stage.said[0].startswith("one hangs; it is ended")
    assert stage.said[1].startswith("one ended with code -9; starting it again in 0.1 s")
    assert stage.said[2] == "one was started again"
    assert stage.pid("one") != first
    assert stage.pid("two") == untouched
    assert next(answers, None) is None


def test_a_program_that_takes_long_to_start_is_not_taken_for_one_that_hangs(stage: Stage) -> None:
    looks = list[bool]()

    def well() -> bool:
        looks.append(len(looks) >= 8)
        return looks[-1]

    program = replace(python("one", SLEEPS), well=well)
    stage.supervisor.start([program])

    def answers() -> bool:
        stage.supervisor.watch()
        return len(looks) > 10

    assert wait_until(answers, 10)
    assert stage.said == []


def test_a_program_that_does_not_answer_in_its_time_to_start_is_started_again(stage: Stage) -> None:
    program = replace(python("one", STUBBORN), well=lambda: False, start_seconds=0.3)
    stage.supervisor.start([program])

    def ended() -> bool:
        stage.supervisor.watch()
        return bool(stage.said)

    assert wait_until(ended, 10)
    assert stage.said[0].startswith("one hangs; it is ended")


def test_the_pause_doubles_with_every_crash_up_to_a_bound(stage: Stage) -> None:
    stage.supervisor.start([python("one", "raise SystemExit(4)")])

    def crashed_thrice() -> bool:
        stage.supervisor.watch()
        return len(stage.said) >= 5

    assert wait_until(crashed_thrice, 20)
    pauses = [line.split(" in ")[1].split(" s ")[0] for line in stage.said if "ended" in line]
    assert pauses == ["0.1", "0.2", "0.2"]


def test_stop_leaves_no_process_and_no_pid_file(stage: Stage) -> None:
    stage.supervisor.start([python("one", SLEEPS), python("two", SLEEPS)])
    processes = list(stage.recorded[-1].values())
    stage.supervisor.stop()
    assert [process.alive() for process in processes] == [False, False]
    assert list((stage.directory / "run").iterdir()) == []
    assert stage.recorded[-1] == {}


def test_a_program_that_ignores_the_request_to_end_is_killed_after_its_time(stage: Stage) -> None:
    stage.supervisor.start([python("deaf", STUBBORN, stop_seconds=0.3)])
    assert wait_until(lambda: "deaf" in (stage.directory / "logs" / "deaf.log").read_text(), 10)
    process = stage.recorded[-1]["deaf"]
    stage.supervisor.stop()
    assert not process.alive()


def test_what_was_started_last_ends_before_what_it_uses(stage: Stage) -> None:
    ends = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit())\ntime.sleep(60)"
    stage.supervisor.start([python("server", ends)])
    stage.supervisor.start([python("api", ends, group="oneid")])
    server = stage.recorded[-1]["server"]
    stage.supervisor.stop()
    assert list(stage.recorded[-2]) == ["server"]
    assert stage.recorded[-1] == {}
    assert not server.alive()
