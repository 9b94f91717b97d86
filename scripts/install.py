"""Installs oneid into .venv exactly as uv.lock says, with the uv that is there or one in .uv.

Run by make with any Python 3.11 or newer; needs nothing but its standard library.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PRIVATE = ROOT / ".uv"


def main() -> None:
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    environment.pop("VIRTUAL_ENV", None)
    command = [find_uv(), "sync", "--locked", "--all-extras", "--python", sys.executable]
    if subprocess.run(command, cwd=ROOT, env=environment).returncode:
        sys.exit("the packages of uv.lock could not be installed: see the lines above")


def find_uv() -> str:
    """A uv that runs."""
    for candidate in (shutil.which("uv"), str(PRIVATE / "bin" / "uv")):
        if candidate and runs([candidate, "--version"]):
            return candidate
    return install_uv()


def install_uv() -> str:
    """uv in an environment of its own, so that nothing outside this directory changes."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not runs([sys.executable, "-m", "venv", "--clear", str(PRIVATE)]):
        sys.exit(f"Python lacks its venv module: apt-get install python{version}-venv, or install uv")
    if subprocess.run([PRIVATE / "bin" / "pip", "install", "--quiet", "uv"]).returncode:
        sys.exit("uv could not be installed from the package index: see the lines above")
    return str(PRIVATE / "bin" / "uv")


def runs(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    main()
