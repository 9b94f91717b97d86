"""`state.json`: what runs on a data directory, for the command line and the tests. It holds keys: mode 600."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oneid.embedded.process import ProcessId


@dataclass
class State:
    """Processes and ports by name, URLs by server or "api", sandbox keys by kind ("admin", "write").

    `supervisor` is the process that owns the data directory, if one does; `mode` is that of the last `oneid up`.
    """

    supervisor: ProcessId | None = None
    processes: dict[str, ProcessId] = field(default_factory=dict[str, ProcessId])
    ports: dict[str, int] = field(default_factory=dict[str, int])
    urls: dict[str, str] = field(default_factory=dict[str, str])
    keys: dict[str, str] = field(default_factory=dict[str, str])
    mode: str = "sandbox"

    def alive(self) -> dict[str, ProcessId]:
        """The recorded children that still run, by name."""
        return {name: process for name, process in self.processes.items() if process.alive()}


def state_file(directory: Path) -> Path:
    return directory / "state.json"


def load(directory: Path) -> State:
    """The state of a data directory, empty if nothing ever ran there."""
    try:
        return load_file(state_file(directory))
    except FileNotFoundError:
        return State()


def load_file(path: Path) -> State:
    """The state in this very file."""
    stored: dict[str, Any] = json.loads(path.read_text())
    return State(
        supervisor=ProcessId(**stored["supervisor"]) if stored.get("supervisor") else None,
        processes={name: ProcessId(**entry) for name, entry in stored["processes"].items()},
        ports=stored["ports"],
        urls=stored["urls"],
        keys=stored["keys"],
        mode=stored.get("mode", "sandbox"),
    )


def save(directory: Path, state: State) -> None:
    """Replaces the file in one step: a reader sees the old state or the new one."""
    content = {
        "supervisor": vars(state.supervisor) if state.supervisor else None,
        "processes": {name: vars(process) for name, process in state.processes.items()},
        "ports": state.ports,
        "urls": state.urls,
        "keys": state.keys,
        "mode": state.mode,
    }
    aside = directory / "state.json.new"
    with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file, indent=2)
    os.replace(aside, state_file(directory))
