"""Neo4j Community: its jars in a JVM inside a Python child process, reached over Bolt like any other Neo4j."""

import json
import sys
from pathlib import Path

from neo4j import GraphDatabase
from neo4j.exceptions import DriverError, Neo4jError

from oneid.embedded.java import java_environment, jvm_library
from oneid.embedded.ports import LOOPBACK
from oneid.embedded.server import Memory, Program, Runtime


def neo4j(directory: Path, port: int, runtime: Runtime, memory: Memory) -> Program:
    """Neo4j with Bolt on `port`, its store in `directory`/neo4j. No password: it listens on loopback only."""
    home = directory / "neo4j"
    home.mkdir(parents=True, exist_ok=True)
    (home / "neo4j.conf").write_text(_configuration(port, memory))
    launch = {
        "home": str(home),
        "jvm": str(jvm_library(runtime.java)),
        "classPath": [str(jar) for jar in runtime.class_path],
        "options": [
            f"-Xms{memory.neo4j_heap}",
            f"-Xmx{memory.neo4j_heap}",
            "-Xrs",
            *_JVM_OPTIONS,
            *runtime.options,
        ],
    }
    (home / "launch.json").write_text(json.dumps(launch))
    url = f"bolt://{LOOPBACK}:{port}"
    return Program(
        name="neo4j",
        command=[sys.executable, "-m", "oneid.embedded.neo4j_process", str(home / "launch.json")],
        environment=java_environment(runtime.java),
        ready=lambda: _answers(url),
        url=url,
        port=port,
        stop_seconds=45,
    )


_JVM_OPTIONS = (
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "-Dio.netty.tryReflectionSetAccessible=true",
)


def _configuration(port: int, memory: Memory) -> str:
    settings = {
        "server.bolt.enabled": "true",
        "server.bolt.listen_address": f"{LOOPBACK}:{port}",
        "server.bolt.advertised_address": f"{LOOPBACK}:{port}",
        # A client that hears nothing for 3 x 3 seconds, not even this, knows that the server is gone.
        "server.bolt.connection_keep_alive": "3s",
        "server.bolt.connection_keep_alive_probes": "3",
        "server.memory.pagecache.size": memory.neo4j_pagecache,
        "dbms.security.auth_enabled": "false",
        "dbms.usage_report.enabled": "false",
        "db.tx_log.preallocate": "false",  # else an empty store takes 0.5 GB
        # Bolt would wait twice for so long that no new connection comes; the port is closed by then.
        "internal.dbms.bolt.netty_server_shutdown_quiet_period_duration": "0s",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _answers(url: str) -> bool:
    try:
        with GraphDatabase.driver(url, connection_timeout=2, max_transaction_retry_time=0) as driver:
            driver.execute_query("RETURN 1")
    except (DriverError, Neo4jError, OSError):
        return False
    return True
