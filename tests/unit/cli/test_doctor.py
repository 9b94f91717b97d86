"""What `oneid doctor` shows and what it keeps to itself."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from oneid.cli import checks, program
from oneid.cli.checks import Trouble, masked


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("redis://user:secret@host:1/0", "redis://***@host:1/0"),
        ("https://user:p@ss@host", "https://***@host"),
        ("bolt://host:1", "bolt://host:1"),
        ("CN", "CN"),
    ],
)
def test_an_address_is_shown_without_user_and_password(value: str, shown: str) -> None:
    assert masked(value) == shown


def test_without_servers_each_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONEID_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ONEID_PORT", "1")
    monkeypatch.setenv("ONEID_ADMIN_KEY", "sk_sandbox_secret")
    result = CliRunner().invoke(program(["doctor", "stop"]), ["doctor"])
    assert result.exit_code == 1
    assert result.output.count("start it with oneid up") == 3
    assert "4 of the checks found something wrong" in result.output
    assert "secret" not in result.output


async def test_a_full_disk_is_said_before_it_hurts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "LEAST_DISK", 2**62)
    with pytest.raises(Trouble, match=r"only .* GB of disk are free"):
        await checks.check_disk(tmp_path / "not" / "yet")
