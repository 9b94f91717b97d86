"""Java runtimes ready for the servers: jars fetched, and a cache with which a JVM starts in a third of the time.

From version 25 on Java stores what it loaded, linked and profiled in one run (an ahead-of-time cache) and takes it
from there in later runs. Measured on two cores, CPU seconds until the server answers: OpenSearch 14 without,
5 with it; Neo4j 20 and 11. The run that makes the cache happens once for each Java and lock file.
"""

import fcntl
import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from oneid.embedded.errors import ServerError
from oneid.embedded.exercises import exercise_neo4j, exercise_opensearch
from oneid.embedded.jars import MavenCentral, cache_dir, class_paths
from oneid.embedded.java import java_home, version
from oneid.embedded.neo4j import neo4j
from oneid.embedded.opensearch import PORTS, opensearch
from oneid.embedded.ports import free_port
from oneid.embedded.process import ProcessId
from oneid.embedded.server import Memory, Program, Runtime, joined
from oneid.embedded.supervisor import Supervisor

OLDEST_WITH_CACHE = 25
WRITING_SECONDS = 240.0  # what a JVM may take to write its cache at its end
KEPT = 3  # caches of one server: several checkouts have several Java runtimes


def ready_runtimes(servers: Sequence[str], console: Console) -> dict[str, Runtime]:
    """What each of the servers ("neo4j", "opensearch") runs with. Slow the first time, and says so."""
    if not servers:
        return {}
    java = java_home()
    jars = class_paths(servers, MavenCentral(cache_dir() / "maven"), console)
    plain = {server: Runtime(java, jars[server]) for server in servers}
    if (version(java) or 0) < OLDEST_WITH_CACHE:
        return plain
    _make_missing(plain, console)
    return {server: _with_cache(server, runtime) for server, runtime in plain.items()}


def cache_file(server: str, runtime: Runtime) -> Path:
    """Where the cache of a server is kept. The JVM itself refuses one that does not fit its jars."""
    identity = f"{runtime.java}\n{joined(runtime.class_path)}"
    return cache_dir() / "aot" / f"{server}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}.aot"


def _with_cache(server: str, runtime: Runtime) -> Runtime:
    path = cache_file(server, runtime)
    quiet = "-Xlog:aot=off,aot+codecache+stubs=off,cds=off"
    return replace(runtime, options=[f"-XX:AOTCache={path}", quiet]) if path.exists() else runtime


def _make_missing(runtimes: dict[str, Runtime], console: Console) -> None:
    """Makes the caches that are not there. A second process waits for the first, and then has them."""
    folder = cache_dir() / "aot"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        missing = {
            name: runtime for name, runtime in runtimes.items() if not cache_file(name, runtime).exists()
        }
        if missing:
            console.print(f"preparing {' and '.join(missing)} for quick starts; once, a minute or so")
            _make(missing, folder, console)


def _make(runtimes: dict[str, Runtime], folder: Path, console: Console) -> None:
    """Runs the servers once, on data of no interest, and keeps what they write at their end."""
    with TemporaryDirectory(dir=folder) as aside:
        try:
            _run_once(Path(aside), runtimes)
        except ServerError as error:
            console.print(f"they start without the quick way: {error}", markup=False)
        for server, runtime in runtimes.items():
            written = Path(aside) / f"{server}.aot"
            if written.exists():
                os.replace(written, cache_file(server, runtime))
                _remove_oldest(folder, server)


def _run_once(directory: Path, runtimes: dict[str, Runtime]) -> None:
    supervisor = Supervisor(directory, _unheard, _unrecorded)
    programs = [_recording(directory, server, runtime) for server, runtime in runtimes.items()]
    try:
        supervisor.start(programs)
        for program in programs:
            _exercise(program)
    except BaseException:
        supervisor.stop(at_most=2)  # whoever interrupts does not wait for a cache
        raise
    supervisor.stop()


def _recording(directory: Path, server: str, runtime: Runtime) -> Program:
    writing = replace(runtime, options=[f"-XX:AOTCacheOutput={directory / server}.aot"])
    if server == "neo4j":
        program = neo4j(directory, free_port(), writing, Memory())
    else:
        program = opensearch(directory, free_port(within=PORTS), writing, Memory())
    return replace(program, stop_seconds=WRITING_SECONDS)


def _exercise(program: Program) -> None:
    exercise = exercise_neo4j if program.name == "neo4j" else exercise_opensearch
    exercise(program.url or "")


def _remove_oldest(folder: Path, server: str) -> None:
    caches = sorted(folder.glob(f"{server}-*.aot"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in caches[KEPT:]:
        path.unlink(missing_ok=True)


def _unheard(sentence: str) -> None:
    """A crash in the preparing run ends it by itself."""


def _unrecorded(processes: dict[str, ProcessId]) -> None:
    """Nobody else needs to find these processes: they end with this one."""
