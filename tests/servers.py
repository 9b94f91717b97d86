"""The real servers that tests run on: started once per session, or the warm ones of ONEID_TEST_SERVERS."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from oneid.embedded.server import Memory
from oneid.embedded.servers import running
from oneid.embedded.state import State, load_file
from oneid.settings import Settings

MEMORY = Memory(neo4j_heap="768m", neo4j_pagecache="128m", opensearch_heap="768m", redis="1g")


@dataclass(frozen=True)
class Servers:
    """Where the three servers listen."""

    neo4j: str
    redis: str
    opensearch: str

    def environment(self) -> dict[str, str]:
        """What a child process needs to find them."""
        return {
            "ONEID_NEO4J_URL": self.neo4j,
            "ONEID_REDIS_URL": self.redis,
            "ONEID_OPENSEARCH_URL": self.opensearch,
        }

    def settings(self) -> Settings:
        """Sandbox settings that point at them."""
        return Settings.model_validate(
            {
                "neo4j_url": self.neo4j,
                "redis_url": self.redis,
                "opensearch_url": self.opensearch,
                "mode": "sandbox",
            }
        )


@contextmanager
def session_servers() -> Generator[Servers]:
    """Servers for one test session."""
    warm = os.environ.get("ONEID_TEST_SERVERS")
    if warm:
        yield _servers(load_file(Path(warm)))
        return
    with (
        TemporaryDirectory(prefix="oneid-tests-") as directory,
        running(Path(directory), Console(stderr=True), memory=MEMORY) as state,
    ):
        yield _servers(state)


def _servers(state: State) -> Servers:
    return Servers(state.urls["neo4j"], state.urls["redis"], state.urls["opensearch"])
