"""What the supervisor needs to know of each thing that it runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Ready = Callable[[], bool]


@dataclass(frozen=True)
class Memory:
    """How much each server may take, in the notation of a JVM ("768m", "4g")."""

    neo4j_heap: str = "768m"
    neo4j_pagecache: str = "256m"
    opensearch_heap: str = "1g"


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
    `url` is where it listens, if it does.
    """

    name: str
    command: Sequence[str]
    ready: Ready
    group: str = "servers"
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    url: str | None = None
    port: int | None = None
    start_seconds: float = 120
    stop_seconds: float = 20


def joined(class_path: Sequence[Path]) -> str:
    """A class path as Java reads it."""
    return ":".join(str(jar) for jar in class_path)
