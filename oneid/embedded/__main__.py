"""`python -m oneid.embedded --data-dir DIR`: the three servers alone, until Ctrl-C, for work on the code.

The tests use them, instead of starting their own, if ONEID_TEST_SERVERS names DIR/state.json.
"""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from oneid.embedded.errors import ServerError
from oneid.embedded.server import Memory
from oneid.embedded.servers import owned, programs, start
from oneid.embedded.signals import until_stopped


def main() -> int:
    arguments = _arguments()
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    try:
        _serve(arguments.data_dir.resolve(), arguments.memory, console)
    except ServerError as error:
        console.print(str(error), style="red")
        return 1
    return 0


def _serve(directory: Path, memory: Memory, console: Console) -> None:
    with until_stopped(), owned(directory, console.print) as (supervisor, current):
        start(supervisor, current, programs(directory, console, memory=memory, ports=current.ports))
        for name, url in current.urls.items():
            console.print(f"{name:<12}{url}")
        supervisor.watch_forever()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m oneid.embedded")
    parser.add_argument("--data-dir", type=Path, default=Path(".oneid"))
    standard = Memory()
    parser.add_argument("--neo4j-heap", default=standard.neo4j_heap)
    parser.add_argument("--neo4j-pagecache", default=standard.neo4j_pagecache)
    parser.add_argument("--opensearch-heap", default=standard.opensearch_heap)
    parser.add_argument("--redis-memory", default=standard.redis)
    arguments = parser.parse_args()
    arguments.memory = Memory(
        arguments.neo4j_heap, arguments.neo4j_pagecache, arguments.opensearch_heap, arguments.redis_memory
    )
    return arguments


if __name__ == "__main__":
    sys.exit(main())
