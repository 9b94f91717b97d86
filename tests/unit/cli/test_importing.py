"""`oneid import` before anything is sent, and what becomes of a file that is damaged."""

import gzip
from pathlib import Path

import pytest
from typer.testing import CliRunner

from oneid.cli import program
from oneid.cli.import_file import opened
from oneid.errors import InvalidInput

SERVER = ("--source", "http://127.0.0.1:9", "--write-key", "wk_any")
MAPPED = ("--map", "who=user_id")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONEID_DATA_DIR", str(tmp_path / "none"))
    (tmp_path / "orders.csv").write_text("order,who\no1,u1\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["missing.csv", *MAPPED, *SERVER], "missing.csv cannot be read"),
        (["orders.csv", "--map", "x=user_id", *SERVER], "no column 'x' in the file, which has order, who"),
        (["orders.csv", "--map", "who", *SERVER], "is no mapping"),
        (["orders.csv", *SERVER], "no column is mapped"),
        (["orders.csv", *MAPPED], "no server: start one with `oneid up`"),
        (["orders.csv", *MAPPED, "--timezone", "Mars", *SERVER], "'Mars' is no time zone"),
        (["orders.csv", *MAPPED, "--encoding", "latin-99", *SERVER], "'latin-99' is no encoding"),
        (["orders.csv", *MAPPED, "--delimiter", "::", *SERVER], "it has to be one character"),
        (["orders.csv", *MAPPED, "--source", "shop", "--write-key", "wk"], "'shop' is no address"),
    ],
)
def test_a_command_that_cannot_work_says_why(arguments: list[str], sentence: str) -> None:
    result = CliRunner().invoke(program(["import", "up"]), ["import", "--preset", "orders", *arguments])
    assert (result.exit_code, sentence in result.output) == (1, True), result.output


def test_a_server_that_is_not_there_is_told_soon(tmp_path: Path) -> None:
    command = ["import", "orders.csv", "--preset", "orders", *MAPPED, *SERVER]
    result = CliRunner().invoke(program(["import", "up"]), command)
    assert result.exit_code == 1
    assert "stopped after 0 rows; run it again: no row counts twice" in result.output
    assert "the server cannot be reached" in result.output


def test_bytes_that_are_no_text_and_line_ends_are_kept_for_the_rows(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfid\r\n\xe9\r\n")
    with opened(tmp_path / "a.csv", "utf-8-sig") as file:
        assert list(file.lines) == ["id\r\n", "\udce9\r\n"]


def test_a_packed_file_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(gzip.compress(b"id\n1\n"))
    with opened(tmp_path / "a.csv", "utf-8") as file:
        assert list(file.lines) == ["id\n", "1\n"]


def test_a_packed_file_that_ends_early_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"id\n1\n")[:-4])
    with pytest.raises(InvalidInput, match="is damaged"), opened(tmp_path / "a.csv.gz", "utf-8") as file:
        list(file.lines)
