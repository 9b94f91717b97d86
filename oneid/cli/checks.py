"""What `oneid doctor` looks at. A check returns a sentence, or raises `Trouble` with one."""

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
from neo4j.exceptions import DriverError, Neo4jError
from redis.exceptions import RedisError

from graph import client as graph_client
from migrations.catalog import MigrationError
from migrations.runner import connected
from oneid.embedded.errors import ServerError
from oneid.embedded.java import java_home, version
from oneid.errors import Retriable
from oneid.log import client as log_client
from oneid.log.dead_letters import DeadLetters
from oneid.log.events import EventLog
from oneid.settings import Settings
from search import client as search_client

BACKLOG_LIMIT = 10_000  # messages or customers that wait
DEAD_LIMIT = 1_000  # dead letters, which share the memory of the log
LEAST_DISK = 2 * 1024**3

Check = Callable[[], Awaitable[str]]


def masked(value: str) -> str:
    """A setting as it may be shown: without user and password if it is an address."""
    scheme, separator, rest = value.partition("://")
    return f"{scheme}{separator}***@{rest.rpartition('@')[2]}" if "@" in rest else value


class Trouble(Exception):
    """Something is wrong; the message says what, and what to do."""


async def check_neo4j(settings: Settings) -> str:
    """Its version, and how many customers wait for the search index."""
    password = settings.neo4j_password.get_secret_value() if settings.neo4j_password else None
    try:
        async with graph_client.connect(
            settings.neo4j_url or "", settings.neo4j_user, password, retry_seconds=1
        ) as graph:
            about = await graph.read(
                "doctor.version", "CALL dbms.components() YIELD versions, edition RETURN versions, edition"
            )
            waiting = await graph.read("doctor.lag", "MATCH (c:Dirty) RETURN count(c) AS customers")
    except (Retriable, Neo4jError, DriverError) as error:
        raise Trouble(f"Neo4j does not answer at {masked(settings.neo4j_url or '')}: {error}") from error
    customers = int(waiting[0]["customers"])
    if customers > BACKLOG_LIMIT:
        raise Trouble(f"{customers} customers wait for the search index: does the worker run?")
    return f"{about[0]['versions'][0]} {about[0]['edition']}, {customers} customers wait for the search index"


async def check_redis(settings: Settings) -> str:
    """Its version, that it keeps what it acknowledges, and how much waits in the log."""
    try:
        async with log_client.connect(settings.redis_url or "") as redis:
            about = await redis.info("server")
            number = about.get("valkey_version", about["redis_version"])
            limits = await redis.config_get("maxmemory*")
            fsync = await redis.config_get("append*")
            log = EventLog(redis, settings.partitions)
            backlog = sum([await log.backlog(partition) for partition in range(settings.partitions)])
            dead = await DeadLetters(redis).count()
    except (Retriable, RedisError, OSError) as error:
        raise Trouble(f"Redis does not answer at {masked(settings.redis_url or '')}: {error}") from error
    if (policy := limits["maxmemory-policy"]) != "noeviction":
        raise Trouble(f"Redis may drop events: set maxmemory-policy to noeviction, it is {policy}")
    if limits["maxmemory"] == "0":
        raise Trouble(
            "Redis may be ended by the system when memory runs out: set maxmemory below what there is"
        )
    if (fsync["appendonly"], fsync["appendfsync"]) != ("yes", "always"):
        raise Trouble("Redis may lose what it acknowledged: set appendonly yes and appendfsync always")
    if dead > DEAD_LIMIT:
        raise Trouble(f"{dead} dead letters wait: look at `deadLetters` in GraphQL, replay or discard them")
    if backlog > BACKLOG_LIMIT:
        raise Trouble(f"{backlog} requests wait in the log: does the consumer run?")
    return f"{number}, {backlog} requests wait in the log, {dead} dead letters"


async def check_opensearch(settings: Settings) -> str:
    """Its version and the health of its indexes."""
    try:
        async with search_client.connect(settings.opensearch_url or "", retry_seconds=1) as search:
            about = await search.request("GET", "/")
            health = await search.request("GET", "/_cluster/health")
    except Retriable as error:
        raise Trouble(f"OpenSearch does not answer at {masked(settings.opensearch_url or '')}") from error
    if health["status"] == "red":
        raise Trouble("OpenSearch is red: a shard is lost; look at its log")
    return f"{about['version']['number']}, {health['status']}, {health['active_shards']} shards"


async def check_schema(settings: Settings) -> str:
    """That both stores are as this code needs them."""
    try:
        async with connected(settings) as runner:
            faults = await runner.check()
    except (MigrationError, Retriable) as error:
        raise Trouble(f"the migrations cannot be checked: {error}") from error
    if faults:
        raise Trouble(f"{faults[0]}; run: oneid migrate")
    return "both stores are as this code needs them"


async def check_api(url: str) -> str:
    """That the API is ready to serve."""
    try:
        async with httpx.AsyncClient(timeout=5) as client:
            answer = await client.get(f"{url}/readyz")
    except httpx.HTTPError as error:
        raise Trouble(f"the API does not answer at {url}: {type(error).__name__}") from error
    if answer.status_code != 200:
        raise Trouble(f"the API at {url} is not ready: {answer.text[:200]}")
    return f"ready at {url}"


async def check_java() -> str:
    """The Java of the embedded servers."""
    try:
        home = java_home()
    except ServerError as error:
        raise Trouble(str(error)) from error
    return f"{version(home)} in {home}"


async def check_disk(directory: Path) -> str:
    """Room for the data."""
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if free < LEAST_DISK:
        raise Trouble(f"only {free / 1024**3:.1f} GB of disk are free for {directory}")
    return f"{free / 1024**3:.0f} GB free for {directory}"
