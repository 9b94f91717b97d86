"""kill -9 of a compaction: the graph is whole afterwards, and the next start tidies up."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import LiteralString

import pytest
from neo4j import GraphDatabase
from rich.console import Console

from oneid.clock import monotonic
from oneid.embedded.compaction import compact
from oneid.embedded.servers import running
from oneid.embedded.state import State
from tests.servers import MEMORY

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

WRITE = """
UNWIND range(1, 20000) AS n
CREATE (:Customer:Dirty {oneId: 'c' + n, version: n})<-[:IDENTIFIES {since: n}]-(:Identifier {key: 'user_id:' + n})
"""
READ = """
MATCH (i:Identifier)-[r:IDENTIFIES]->(c:Customer:Dirty)
RETURN count(*) AS pairs, sum(c.version + r.since) AS sum, count(DISTINCT i.key) AS keys
"""
SCHEMA = "SHOW CONSTRAINTS YIELD name, labelsOrTypes, properties RETURN name, labelsOrTypes, properties ORDER BY name"


def ask(state: State, *queries: LiteralString) -> list[object]:
    with GraphDatabase.driver(state.urls["neo4j"]) as driver:
        return [[record.data() for record in driver.execute_query(query).records] for query in queries]


def killed_while_copying(directory: Path) -> None:
    """Starts `oneid compact` and kills it once it copies the graph."""
    environment = {**os.environ, "ONEID_DATA_DIR": str(directory)}
    process = subprocess.Popen([sys.executable, "-m", "oneid.cli", "compact"], env=environment)
    end = monotonic() + 400
    while not (directory / "compacted" / "neo4j" / "data" / "databases").exists():
        assert process.poll() is None, "the compaction ended by itself"
        assert monotonic() < end, "the compaction does not begin to copy"
        time.sleep(0.2)
    process.kill()
    process.wait()


def test_a_compaction_that_is_killed_leaves_the_graph_as_it_was_and_can_be_done_again(tmp_path: Path) -> None:
    directory, console = tmp_path / "data", Console(stderr=True)
    with running(directory, console, memory=MEMORY) as state:
        ask(state, "CREATE CONSTRAINT one FOR (i:Identifier) REQUIRE i.key IS UNIQUE", WRITE)
        expected = ask(state, READ, SCHEMA)

    killed_while_copying(directory)
    with running(directory, console, memory=MEMORY) as state:
        assert not (directory / "compacted").exists()
        assert ask(state, READ, SCHEMA) == expected

    compact(directory, console, memory=MEMORY)
    with running(directory, console, memory=MEMORY) as state:
        assert ask(state, READ, SCHEMA) == expected
    assert sorted(
        path.name for path in directory.iterdir() if path.name.startswith(("neo4j", "compacted"))
    ) == ["neo4j"]
