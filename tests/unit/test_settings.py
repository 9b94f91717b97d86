"""Settings: what is wrong is said in a sentence that names the variable, by whoever reads them."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from migrations.__main__ import main as migrate
from oneid.cli import COMMANDS, program
from oneid.settings import InvalidSettings, Settings
from workers import settings as worker

SENTENCES = {
    ("NEO4J_URL", "notaurl"): "is no address of this server: write bolt://host:7687 or neo4j+s://host",
    (
        "NEO4J_URL",
        "http://host:7687",
    ): "is no address of this server: write bolt://host:7687 or neo4j+s://host",
    ("NEO4J_URL", "bolt://:7687"): "is no address of this server: write bolt://host:7687 or neo4j+s://host",
    (
        "REDIS_URL",
        "redis://user:secret@host:99999",
    ): "is no address of this server: write redis://host:6379/0 or rediss://user:password@host:6379/0",
    ("OPENSEARCH_URL", "host:9200"): "is no address of this server: write http://host:9200 or"
    " https://user:password@host",
    ("PORT", "web"): "should be a valid integer, unable to parse string as an integer",
    ("PORT", "65536"): "should be less than or equal to 65535",
    ("MODE", "test"): "should be 'sandbox' or 'live'",
    ("TIMEZONE", "Mars/Base"): "is no time zone: write one such as Asia/Shanghai",
    ("TIMEZONE", "Asia"): "is no time zone: write one such as Asia/Shanghai",
    ("TIMEZONE", "../secret"): "is no time zone: write one such as Asia/Shanghai",
    ("PHONE_REGION", "XX"): "is no region with phone numbers: write two letters such as CN",
    ("PHONE_REGION", "China"): "is no region with phone numbers: write two letters such as CN",
    ("DEDUPE_HOURS", "1"): "should be greater than or equal to 24",
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without .env and without a running oneid."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONEID_DATA_DIR", str(tmp_path / "data"))


@pytest.mark.parametrize(("given", "sentence"), SENTENCES.items())
def test_a_wrong_setting_is_named_with_the_reason_and_without_its_value(
    given: tuple[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"ONEID_{given[0]}", given[1])
    with pytest.raises(InvalidSettings) as caught:
        Settings()
    assert str(caught.value) == f"ONEID_{given[0]} {sentence}"


def test_everything_that_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("ONEID_MODE=test\n")
    monkeypatch.setenv("ONEID_PORT", "-1")
    with pytest.raises(InvalidSettings) as caught:
        Settings()
    assert str(caught.value) == (
        "ONEID_PORT should be greater than or equal to 0; ONEID_MODE should be 'sandbox' or 'live'"
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("NEO4J_URL", "neo4j+s://graph.example"),
        ("NEO4J_URL", "bolt://[::1]:7687"),
        ("REDIS_URL", "rediss://:secret@host:6380/1"),
        ("OPENSEARCH_URL", "https://user:secret@host"),
        ("TIMEZONE", "Europe/Berlin"),
        ("TIMEZONE", "UTC"),
        ("HOST", "::1"),
    ],
)
def test_a_right_setting_is_taken_as_it_is(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"ONEID_{variable}", value)
    assert getattr(Settings(), variable.lower()) == value


def test_a_region_may_be_written_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEID_PHONE_REGION", "hk")
    assert Settings().phone_region == "HK"


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONEID_DATA_DIR")
    before = Settings()
    for name in Settings.model_fields:
        monkeypatch.setenv(f"ONEID_{name.upper()}", "")
    assert Settings() == before
    assert before.neo4j_url is None


ARGUMENTS = {
    "import": ["rows.csv", "--preset", "orders"],
    "keys": ["list"],
    "backup": ["copy"],
    "restore": ["copy"],
}


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"export-schema"}))
def test_every_command_says_it_in_a_sentence(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEID_PORT", "web")
    result = CliRunner().invoke(program([name, "export-schema"]), [name, *ARGUMENTS.get(name, [])])
    assert (result.exit_code, result.exception.__class__) == (1, SystemExit)
    assert result.output.strip() == (
        "ONEID_PORT should be a valid integer, unable to parse string as an integer"
    )


def test_migrations_and_worker_say_it_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ONEID_MODE", "test")
    monkeypatch.setattr(sys, "argv", ["migrations", "status"])
    assert migrate() == 1
    assert capsys.readouterr().err == "ONEID_MODE should be 'sandbox' or 'live'\n"
    with pytest.raises(SystemExit, match="ONEID_MODE should be 'sandbox' or 'live'"):
        worker.WorkerSettings  # noqa: B018 - reading it is what arq does


def test_the_consumer_says_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEID_MODE", "test")
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "workers.consumer"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "ONEID_MODE should be 'sandbox' or 'live'\n")
