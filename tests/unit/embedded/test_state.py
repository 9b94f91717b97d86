"""What the state file says and who may read it."""

from pathlib import Path

from oneid.embedded import state
from oneid.embedded.process import ProcessId, this_process
from oneid.embedded.state import State


def test_the_state_file_is_for_its_owner_only(tmp_path: Path) -> None:
    state.save(tmp_path, State(keys={"admin": "sk_sandbox_x"}))
    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    saved = State(
        supervisor=ProcessId(1, "2"),
        processes={"api": ProcessId(3, "4")},
        ports={"api": 8000},
        urls={"api": "http://127.0.0.1:8000"},
        keys={"admin": "sk_sandbox_x"},
        mode="live",
    )
    state.save(tmp_path, saved)
    assert state.load(tmp_path) == saved


def test_a_directory_where_nothing_ran_has_an_empty_state(tmp_path: Path) -> None:
    assert state.load(tmp_path) == State()


def test_a_process_that_took_over_a_recorded_pid_is_not_ours() -> None:
    ours = this_process()
    stranger = ProcessId(ours.pid, "0")
    assert State(processes={"api": ours, "worker": stranger}).alive() == {"api": ours}
