"""The Neo4j process: `python -m oneid.embedded.neo4j_process LAUNCH_FILE`.

The JVM gets -Xrs and leaves the signals to Python. They are blocked before the JVM starts its threads, and the
main thread waits for one: a handler could not run while that thread is inside Java.
"""

import json
import signal
import sys
from pathlib import Path

import jpype

ENDING = {signal.SIGTERM, signal.SIGINT}


def main() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    launch = json.loads(Path(sys.argv[1]).read_text())
    jpype.startJVM(launch["jvm"], *launch["options"], classpath=launch["classPath"], convertStrings=True)
    home = jpype.JClass("java.nio.file.Path").of(launch["home"])
    builder = jpype.JClass("org.neo4j.dbms.api.DatabaseManagementServiceBuilder")
    service = builder(home).loadPropertiesFromFile(home.resolve("neo4j.conf")).build()
    signal.sigwait(ENDING)
    service.shutdown()
    jpype.shutdownJVM()


if __name__ == "__main__":
    main()
