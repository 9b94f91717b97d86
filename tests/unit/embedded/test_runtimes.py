"""Quick starts: a cache for each Java and lock file, made once, never needed."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from oneid.embedded import runtimes
from oneid.embedded.jars import Repository
from oneid.embedded.runtimes import cache_file, ready_runtimes
from oneid.embedded.server import Runtime

JAVA = Path("/java")
JARS = [Path("/jars/neo4j.jar")]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache directory, and jars that need no download."""

    def no_download(servers: list[str], repository: Repository, console: Console) -> dict[str, list[Path]]:
        return {server: JARS for server in servers}

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(runtimes, "class_paths", no_download)
    monkeypatch.setattr(runtimes, "java_home", lambda: JAVA)
    return tmp_path


def use_java(monkeypatch: pytest.MonkeyPatch, major: int) -> None:
    def says(home: Path) -> int:
        return major

    monkeypatch.setattr(runtimes, "version", says)


def test_an_older_java_runs_without_a_cache(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    use_java(monkeypatch, 24)
    assert ready_runtimes(["neo4j"], Console(file=io.StringIO())) == {"neo4j": Runtime(JAVA, JARS)}
    assert list(cache.iterdir()) == []


def test_a_cache_that_is_there_is_used_and_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    use_java(monkeypatch, 25)
    path = cache_file("neo4j", Runtime(JAVA, JARS))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"a cache")
    shown = io.StringIO()
    found = ready_runtimes(["neo4j"], Console(file=shown))
    assert f"-XX:AOTCache={path}" in found["neo4j"].options
    assert shown.getvalue() == ""


def test_servers_start_without_a_cache_when_none_can_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    use_java(monkeypatch, 25)  # but there is no such Java
    shown = io.StringIO()
    found = ready_runtimes(["opensearch"], Console(file=shown, width=1000))
    assert found == {"opensearch": Runtime(JAVA, JARS)}
    assert "preparing opensearch for quick starts" in shown.getvalue()
    assert "they start without the quick way: opensearch ended with code" in shown.getvalue()


def test_another_java_or_other_jars_need_another_cache() -> None:
    files = {
        cache_file("neo4j", Runtime(JAVA, JARS)),
        cache_file("neo4j", Runtime(Path("/other"), JARS)),
        cache_file("neo4j", Runtime(JAVA, [Path("/jars/newer.jar")])),
        cache_file("opensearch", Runtime(JAVA, JARS)),
    }
    assert len(files) == 4


def test_no_server_needs_no_java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "java_home", None)
    assert ready_runtimes([], Console(file=io.StringIO())) == {}
