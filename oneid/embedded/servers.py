"""The three servers of an embedded deployment on one data directory."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from oneid.embedded import state
from oneid.embedded.lock import DataDirLock
from oneid.embedded.neo4j import neo4j
from oneid.embedded.opensearch import PORTS, opensearch
from oneid.embedded.ports import free_port
from oneid.embedded.process import ProcessId, stop_others, this_process
from oneid.embedded.runtimes import ready_runtimes
from oneid.embedded.server import Memory, Program
from oneid.embedded.signals import uninterrupted
from oneid.embedded.state import State
from oneid.embedded.supervisor import Say, Supervisor
from oneid.embedded.swap import settle
from oneid.embedded.valkey import valkey

SERVERS = ("redis", "neo4j", "opensearch")


def programs(
    directory: Path,
    console: Console,
    *,
    wanted: Sequence[str] = SERVERS,
    memory: Memory | None = None,
    ports: Mapping[str, int] | None = None,
) -> list[Program]:
    """The servers to run on `directory`, their jars fetched. `ports` are kept where they are free."""
    ports, memory = ports or {}, memory or Memory()
    found: list[Program] = []
    if "redis" in wanted:
        found.append(valkey(directory, free_port(ports.get("redis")), memory))
    jvms = [server for server in ("neo4j", "opensearch") if server in wanted]
    runtimes = ready_runtimes(jvms, console)
    if "neo4j" in runtimes:
        found.append(neo4j(directory, free_port(ports.get("neo4j")), runtimes["neo4j"], memory))
    if "opensearch" in runtimes:
        port = free_port(ports.get("opensearch"), PORTS)
        found.append(opensearch(directory, port, runtimes["opensearch"], memory))
    return found


def stop_leftovers(directory: Path) -> int:
    """Ends what a killed supervisor left on `directory`, a compaction half done too; says how many processes
    that were. The directory must be locked."""
    count = stop_others(list(state.load(directory).alive().values()), 45)
    settle(directory)
    return count


@contextmanager
def owned(directory: Path, say: Say) -> Generator[tuple[Supervisor, State]]:
    """A supervisor that owns `directory`, and its state, kept in the file as processes come and go.

    Raises `DataDirInUse` if another one does. Whatever was started is stopped at the end.
    """
    with DataDirLock(directory):
        if count := stop_leftovers(directory):
            say(f"stopped {count} processes that an earlier run had left")
        current = state.load(directory)
        current.supervisor = this_process()

        def record(processes: dict[str, ProcessId]) -> None:
            current.processes = processes
            state.save(directory, current)

        supervisor = Supervisor(directory, say, record)
        try:
            yield supervisor, current
        finally:
            with uninterrupted():
                supervisor.stop()
            current.supervisor = None
            state.save(directory, current)


@contextmanager
def running(directory: Path, console: Console, *, memory: Memory | None = None) -> Generator[State]:
    """The three servers on `directory`, answering."""
    with owned(directory, console.print) as (supervisor, current):
        start(supervisor, current, programs(directory, console, memory=memory, ports=current.ports))
        yield current


def start(supervisor: Supervisor, current: State, wanted: Sequence[Program]) -> None:
    """Starts programs and notes where they listen."""
    current.ports |= {program.name: program.port for program in wanted if program.port is not None}
    current.urls |= {program.name: program.url for program in wanted if program.url is not None}
    supervisor.start(wanted)
