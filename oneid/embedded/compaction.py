"""Compaction: the stores of an embedded deployment are rewritten, so that no byte of deleted data is left in a file."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

import httpx
from redis import Redis
from rich.console import Console

from oneid.clock import monotonic
from oneid.embedded.data import has_data
from oneid.embedded.errors import ServerError
from oneid.embedded.graph_copy import copy
from oneid.embedded.neo4j import neo4j
from oneid.embedded.ports import free_port
from oneid.embedded.runtimes import ready_runtimes
from oneid.embedded.server import Memory, Program
from oneid.embedded.servers import owned, programs
from oneid.embedded.supervisor import Supervisor
from oneid.embedded.swap import copy_directory, swap

PATIENCE_SECONDS: Final = 600.0
EAGER: Final = {"index.merge.policy.expunge_deletes_allowed": 0}


def compact(directory: Path, console: Console, *, memory: Memory | None = None) -> None:
    """Rewrites all three stores. oneid must be stopped; killed on the way, nothing is lost.

    Raises:
        DataDirInUse: oneid runs.
        ServerError: there is nothing to compact, or a store does not get rid of what was deleted.
    """
    if not has_data(directory):
        raise ServerError(f"{directory} holds no data to compact")
    memory = memory or Memory()
    with owned(directory, console.print) as (supervisor, _):
        compact_log_and_index(
            supervisor, programs(directory, console, wanted=("redis", "opensearch"), memory=memory)
        )
        console.print("compacted: event log, indexes")
        nodes = copy_graph(supervisor, directory, console, memory)
        swap(directory)
        console.print(f"compacted: graph, {nodes} nodes")


def compact_log_and_index(supervisor: Supervisor, wanted: list[Program]) -> None:
    supervisor.start(wanted)
    urls = {program.name: program.url or "" for program in wanted}
    rewrite_log(urls["redis"])
    expunge(urls["opensearch"])
    supervisor.stop()


def copy_graph(supervisor: Supervisor, directory: Path, console: Console, memory: Memory) -> int:
    """Copies the graph into a store of its own beside the old one."""
    aside = copy_directory(directory)
    (old,) = programs(directory, console, wanted=("neo4j",), memory=memory)
    runtime = ready_runtimes(["neo4j"], console)["neo4j"]
    new = replace(neo4j(aside, free_port(None), runtime, memory), name="neo4j-copy")
    supervisor.start([old, new])
    nodes = copy(old.url or "", new.url or "")
    supervisor.stop()
    return nodes


def rewrite_log(url: str) -> None:
    """Makes the append-only file say only what there is now."""
    with Redis.from_url(url) as redis:
        redis.bgrewriteaof()
        end = monotonic() + PATIENCE_SECONDS
        while _rewriting(redis):
            if monotonic() > end:
                raise ServerError("the event log was not rewritten in time")
            time.sleep(0.1)


def _rewriting(redis: Redis) -> bool:
    state = cast("dict[str, Any]", redis.info("persistence"))
    if state["aof_last_bgrewrite_status"] != "ok":
        raise ServerError("the event log can't be rewritten: is the disk full?")
    return bool(state["aof_rewrite_in_progress"] or state["aof_rewrite_scheduled"])


def expunge(url: str) -> None:
    """Makes every index forget its deleted and replaced documents."""
    with httpx.Client(base_url=url, timeout=PATIENCE_SECONDS) as client:
        if not _ask(client, "GET", "/_all/_settings"):
            return  # nothing was ever migrated
        _ask(client, "PUT", "/_all/_settings", EAGER)
        end = monotonic() + PATIENCE_SECONDS
        while _deleted(client):
            if monotonic() > end:
                raise ServerError("an index does not get rid of deleted documents")
            # What a copy of the shard might still ask for is kept until the next of these moments.
            time.sleep(1.5)
            _ask(client, "POST", "/_all/_flush?force=true")
            _ask(client, "POST", "/_all/_forcemerge?only_expunge_deletes=true")
        _ask(client, "POST", "/_all/_flush?force=true")
        _ask(client, "PUT", "/_all/_settings", dict.fromkeys(EAGER))


def _deleted(client: httpx.Client) -> int:
    """Deleted documents that are still in a segment, those kept for recovery included."""
    found = _ask(client, "GET", "/_all/_segments")
    return sum(
        segment["deleted_docs"]
        for index in found["indices"].values()
        for copies in index["shards"].values()
        for shard in copies
        for segment in shard["segments"].values()
    )


def _ask(client: httpx.Client, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = client.request(method, path, json=body)
    if answer.is_error:
        raise ServerError(f"OpenSearch refuses {method} {path}: {answer.text[:500]}")
    decoded: dict[str, Any] = answer.json()
    return decoded
