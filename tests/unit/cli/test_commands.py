"""The command line: every command is there, speaks in sentences, and asks before it deletes."""

from importlib import import_module, resources
from pathlib import Path

import pytest
from typer.testing import CliRunner

from oneid.cli import COMMANDS, program
from oneid.embedded import data, state
from oneid.embedded.lock import DataDirLock
from oneid.embedded.state import State


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory with something in each store."""
    monkeypatch.setenv("ONEID_DATA_DIR", str(tmp_path / "home"))
    for name in data.STORES:
        (tmp_path / "home" / name).mkdir(parents=True)
        (tmp_path / "home" / name / "file").write_text(name)
    state.save(tmp_path / "home", State(keys={"admin": "sk_sandbox_x"}))
    return tmp_path / "home"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_listed_command_exists(name: str) -> None:
    module, _, attribute = COMMANDS[name].partition(":")
    assert getattr(import_module(module), attribute)


CONTRACT = "up import migrate keys reindex reconcile export-schema seed doctor stop reset backup restore demo".split()


@pytest.mark.parametrize("name", [*CONTRACT, "keys create", "keys list", "keys revoke"])
def test_what_the_contract_promises_is_there(name: str) -> None:
    command, *more = name.split()
    result = CliRunner().invoke(program([command, "stop"]), [command, *more, "--help"])
    assert result.exit_code == 0
    assert f"{name} [OPTIONS]" in result.output


def test_the_schema_is_printed_or_written_as_it_is_served(tmp_path: Path) -> None:
    commands = program(["export-schema", "stop"])
    served = resources.files("api").joinpath("schema.graphql").read_text("utf-8")
    assert CliRunner().invoke(commands, ["export-schema"]).output == served
    file = tmp_path / "admin.graphql"
    result = CliRunner().invoke(commands, ["export-schema", "--output", str(file)])
    assert (result.exit_code, file.read_text("utf-8")) == (0, served)


def test_a_schema_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    command = ["export-schema", "--output", str(tmp_path)]
    result = CliRunner().invoke(program(["export-schema", "stop"]), command)
    assert result.exit_code == 1
    assert "cannot be written: Is a directory" in result.output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    result = CliRunner().invoke(program([name]), [name, "--help"])
    assert result.exit_code == 0


def test_reset_deletes_nothing_unless_it_is_meant(home: Path) -> None:
    result = CliRunner().invoke(program(["stop", "reset"]), ["reset"])
    assert result.exit_code == 1
    assert "oneid reset --yes" in result.output
    assert data.has_data(home)


def test_reset_deletes_data_and_keys(home: Path) -> None:
    result = CliRunner().invoke(program(["stop", "reset"]), ["reset", "--yes"])
    assert result.exit_code == 0
    assert not data.has_data(home)
    assert state.load(home) == State()


@pytest.mark.parametrize("arguments", [["reset", "--yes"], ["backup", "copy"]])
def test_data_in_use_are_left_alone(
    home: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home.parent)
    with DataDirLock(home):
        result = CliRunner().invoke(program(["reset", "backup"]), arguments)
    assert result.exit_code == 1
    assert "already running" in result.output
    assert data.has_data(home)
    assert not (home.parent / "copy").exists()


def test_a_backup_restores_files_and_keys(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = CliRunner()
    commands = program(["backup", "restore"])
    copy = home.parent / "copy"
    assert run.invoke(commands, ["backup", str(copy)]).exit_code == 0
    monkeypatch.setenv("ONEID_DATA_DIR", str(home.parent / "new"))
    assert run.invoke(commands, ["restore", str(copy)]).exit_code == 0
    assert (home.parent / "new" / "neo4j" / "file").read_text() == "neo4j"
    assert state.load(home.parent / "new").keys == {"admin": "sk_sandbox_x"}


def test_a_backup_never_overwrites(home: Path) -> None:
    result = CliRunner().invoke(program(["backup", "restore"]), ["backup", str(home.parent)])
    assert result.exit_code == 1
    assert "exists already" in result.output


def test_a_restore_never_overwrites(home: Path) -> None:
    copy = home.parent / "copy"
    CliRunner().invoke(program(["backup", "restore"]), ["backup", str(copy)])
    result = CliRunner().invoke(program(["backup", "restore"]), ["restore", str(copy)])
    assert result.exit_code == 1
    assert "oneid reset --yes" in result.output


def test_stop_says_when_nothing_runs(home: Path) -> None:
    result = CliRunner().invoke(program(["stop", "reset"]), ["stop"])
    assert result.exit_code == 0
    assert "nothing was running" in result.output
