"""`oneid up`: the whole of oneid on this machine, from the servers to the API, until Ctrl-C."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from oneid.cli.output import errors_as_sentences, out
from oneid.cli.processes import applications
from oneid.domain.keys import KeyKind, Mode, generate
from oneid.embedded.errors import ServerError
from oneid.embedded.server import Memory
from oneid.embedded.servers import SERVERS, owned, programs, start
from oneid.embedded.signals import until_stopped
from oneid.embedded.state import State
from oneid.settings import Settings

_STANDARD = Memory()


def up(
    neo4j_heap: Annotated[str, typer.Option(help="heap of Neo4j")] = _STANDARD.neo4j_heap,
    neo4j_pagecache: Annotated[str, typer.Option(help="page cache of Neo4j")] = _STANDARD.neo4j_pagecache,
    opensearch_heap: Annotated[str, typer.Option(help="heap of OpenSearch")] = _STANDARD.opensearch_heap,
    redis_memory: Annotated[str, typer.Option(help="at most so much for Redis")] = _STANDARD.redis,
) -> None:
    """Start the servers that no ONEID_*_URL names, migrate, serve the API and its workers until Ctrl-C."""
    with errors_as_sentences():
        _up(Settings(), Memory(neo4j_heap, neo4j_pagecache, opensearch_heap, redis_memory))


def _up(settings: Settings, memory: Memory) -> None:
    directory = settings.data_dir.resolve()
    with until_stopped(), owned(directory, out.print) as (supervisor, current):
        given = _given_urls(settings)
        wanted = [server for server in SERVERS if server not in given]
        start(
            supervisor,
            current,
            programs(directory, out, wanted=wanted, memory=memory, ports=current.ports),
        )
        current.urls |= given
        environment = environment_of(settings, current)
        _migrate(environment, directory)
        start(supervisor, current, applications(settings, environment))
        announce(settings, current)
        supervisor.watch_forever()
    out.print("stopped")


def _given_urls(settings: Settings) -> dict[str, str]:
    urls = {"neo4j": settings.neo4j_url, "redis": settings.redis_url, "opensearch": settings.opensearch_url}
    return {name: url for name, url in urls.items() if url}


def _mode(settings: Settings) -> Mode:
    return settings.mode if "mode" in settings.model_fields_set else "sandbox"


def environment_of(settings: Settings, current: State) -> dict[str, str]:
    """What the processes need beyond the environment of this one. Sandbox keys outlive a restart, but no time
    as a live deployment, which ends them."""
    environment = {
        "ONEID_NEO4J_URL": current.urls["neo4j"],
        "ONEID_REDIS_URL": current.urls["redis"],
        "ONEID_OPENSEARCH_URL": current.urls["opensearch"],
        "ONEID_DATA_DIR": str(settings.data_dir.resolve()),
        "ONEID_MODE": _mode(settings),
    }
    current.mode = _mode(settings)
    if current.mode == "live":
        current.keys.clear()
        return environment
    fixed = {"admin": settings.admin_key, "write": settings.write_key}
    current.keys |= {kind: key.get_secret_value() for kind, key in fixed.items() if key}
    current.keys.setdefault("admin", generate(KeyKind.SECRET, "sandbox"))
    current.keys.setdefault("write", generate(KeyKind.WRITE, "sandbox"))
    keys = {"ONEID_ADMIN_KEY": current.keys["admin"], "ONEID_WRITE_KEY": current.keys["write"]}
    return environment | keys


def _migrate(environment: dict[str, str], directory: Path) -> None:
    command = [sys.executable, "-m", "migrations", "up"]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)
    (directory / "logs").mkdir(exist_ok=True)
    (directory / "logs" / "migrations.log").write_text(done.stdout + done.stderr)
    if done.returncode:
        last = (done.stdout + done.stderr).strip().splitlines()[-1:]
        raise ServerError(
            f"the migrations failed: {''.join(last)} (see {directory / 'logs' / 'migrations.log'})"
        )


def announce(settings: Settings, current: State) -> None:
    """Says where everything is, and the keys of a sandbox."""
    out.print(f"\noneid is up ({_mode(settings)}), data in {settings.data_dir.resolve()}")
    api = current.urls["api"]
    lines = {"GraphQL": f"{api}/graphql", "Tracking": f"{api}/v1/track"}
    lines |= {"Neo4j": current.urls["neo4j"], "OpenSearch": current.urls["opensearch"]}
    lines |= {"Redis": current.urls["redis"]}
    lines |= {f"{kind.capitalize()} key": key for kind, key in current.keys.items()}
    for name, value in lines.items():
        out.print(f"  {name:<12}{value}")
    out.print("Ctrl-C stops everything; the data stay.")
