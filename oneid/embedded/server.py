"""What the supervisor needs to know of each thing that it runs."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Ready = Callable[[], bool]


def quarter_of_memory() -> str:
    """A quarter of this machine's memory, 256 MB at least."""
    megabytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    return f"{max(256, megabytes // 4)}m"


@dataclass(frozen=True)
class Memory:
    """How much each server may take, in the notation of a JVM ("768m", "4g"). Redis takes only what it needs: at
    its limit it refuses events instead of being ended by the system with all of them."""

    neo4j_heap: str = "768m"
    neo4j_pagecache: str = "256m"
    opensearch_heap: str = "1g"
    redis: str = field(default_factory=quarter_of_memory)


@dataclass(frozen=True)
class Runtime:
    """What a JVM runs with: the Java above bin/java, the jars, options of its own."""

    java: Path
    class_path: Sequence[Path]
    options: Sequence[str] = ()


@dataclass(frozen=True)
class Program:
    """One process to run.

    Programs of a `group` end together, later groups before earlier ones. `ready` says whether it answers; it is
    asked until it does, for at most `start_seconds`. `stop_seconds` is what it gets between SIGTERM and SIGKILL.
    `url` is where it listens, if it does. `well`: what is asked while it runs; one that is not well for long is
    started again.
    """

    name: str
    command: Sequence[str]
    ready: Ready
    well: Ready | None = None
    group: str = "servers"
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    url: str | None = None
    port: int | None = None
    start_seconds: float = 120
    stop_seconds: float = 20


def joined(class_path: Sequence[Path]) -> str:
    """A class path as Java reads it."""
    return ":".join(str(jar) for jar in class_path)
