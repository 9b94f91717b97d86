"""The real servers from start to end: refused twice, mended, backed up, ended with and without a goodbye."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest
from neo4j import GraphDatabase
from opensearchpy import OpenSearch
from redis import Redis
from redis.exceptions import RedisError

from oneid.embedded import data, state
from oneid.embedded.errors import DataDirInUse, ServerError
from oneid.embedded.process import ProcessId, wait_until
from oneid.embedded.state import State

START_SECONDS = 180
END_SECONDS = 90
SMALL = ("--neo4j-heap", "512m", "--neo4j-pagecache", "64m", "--opensearch-heap", "512m")


def command(directory: Path) -> list[str]:
    return [sys.executable, "-m", "oneid.embedded", "--data-dir", str(directory), *SMALL]


@contextmanager
def started(directory: Path) -> Generator[subprocess.Popen[str]]:
    """The servers under a supervisor of their own, all answering."""
    with subprocess.Popen(command(directory), stderr=subprocess.PIPE, text=True) as supervisor:
        try:
            assert supervisor.stderr is not None
            lines = iter(supervisor.stderr.readline, "")
            assert any(line.startswith("opensearch") for line in lines), "the servers did not start"
            yield supervisor
        finally:
            supervisor.kill()


def fill(urls: dict[str, str]) -> None:
    with GraphDatabase.driver(urls["neo4j"]) as driver:
        driver.execute_query("CREATE (:Kept {name: '李雷'})")
    with Redis.from_url(urls["redis"]) as redis:
        redis.xadd("kept", {"name": "李雷"})
    with OpenSearch(urls["opensearch"]) as opensearch:
        opensearch.indices.create(index="kept", body={"settings": {"number_of_replicas": 0}})
        opensearch.index(index="kept", id="1", body={"name": "李雷"}, params={"refresh": "true"})


def contents(urls: dict[str, str]) -> dict[str, int]:
    with GraphDatabase.driver(urls["neo4j"]) as driver:
        nodes = driver.execute_query("MATCH (n:Kept {name: '李雷'}) RETURN count(n) AS nodes").records[0][
            "nodes"
        ]
    with Redis.from_url(urls["redis"]) as redis:
        entries = len(cast(list[object], redis.xrange("kept")))
    with OpenSearch(urls["opensearch"]) as opensearch:
        documents = opensearch.count(index="kept")["count"]
    return {"nodes": nodes, "entries": entries, "documents": documents}


def all_ended(processes: dict[str, ProcessId]) -> bool:
    return not any(process.alive() for process in processes.values())


def redis_answers(url: str) -> bool:
    try:
        with Redis.from_url(url) as redis:
            return bool(redis.ping())
    except RedisError:
        return False


def crash_redis_and_await_the_next(directory: Path) -> State:
    before = state.load(directory)
    os.kill(before.processes["redis"].pid, signal.SIGKILL)
    assert wait_until(lambda: state.load(directory).processes["redis"] != before.processes["redis"], 30)
    assert wait_until(lambda: redis_answers(before.urls["redis"]), 30)
    return before


@pytest.mark.timeout(600)
def test_servers_are_owned_once_mended_after_a_crash_backed_up_and_ended(tmp_path: Path) -> None:
    home, copy, restored = tmp_path / "home", tmp_path / "copy", tmp_path / "restored"
    with started(home) as supervisor:
        running = state.load(home)
        assert set(running.alive()) == {"redis", "neo4j", "opensearch"}
        fill(running.urls)

        second = subprocess.run(command(home), capture_output=True, text=True, timeout=60)
        assert second.returncode == 1
        assert f"already running on {home} (process {supervisor.pid})" in second.stderr
        with pytest.raises(DataDirInUse):
            data.backup(home, copy)

        crash_redis_and_await_the_next(home)
        assert state.load(home).urls == running.urls
        assert contents(running.urls) == {"nodes": 1, "entries": 1, "documents": 1}

        processes = state.load(home).processes
        supervisor.send_signal(signal.SIGINT)
        assert supervisor.wait(END_SECONDS) == 0
    assert all_ended(processes)
    assert state.load(home).processes == {}
    assert state.load(home).supervisor is None
    assert list((home / "run").iterdir()) == []

    data.backup(home, copy)
    data.restore(copy, restored)
    with pytest.raises(ServerError, match="holds data already"):
        data.restore(copy, restored)
    (restored / "state.json").unlink()  # other ports than before
    with started(restored) as supervisor:
        again = state.load(restored)
        assert again.ports != running.ports
        assert contents(again.urls) == {"nodes": 1, "entries": 1, "documents": 1}
        supervisor.kill()
    assert wait_until(lambda: all_ended(again.processes), END_SECONDS)
