"""What a disk holds when the power fails: of each file as much as was written when it was synced last, by a trace of
the calls (`strace`)."""

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

CALLS: Final = "openat,?open,lseek,write,pwrite64,fdatasync,fsync"  # arm64 has no `open`
OPENED: Final = re.compile(r"open(?:at)?\((.*)\) += (\d+)<(.*)>$")
CALLED: Final = re.compile(r"(\w+)\((\d+)<(.*?)>(.*)\) += (\d+)$")


def traced(command: Sequence[str], trace: Path) -> list[str]:
    """The command, its calls written to a file before they return, those of all its threads."""
    options = ["-f", "--seccomp-bpf", "-y", "-s", "0", "-e", f"trace={CALLS}", "-o", str(trace)]
    return ["strace", *options, *command]


def tear(directory: Path, name: str, trace: Path) -> int:
    """Cuts the files whose names match to what the disk holds of them; returns how many bytes that were."""
    disk = Disk(re.compile(name))
    disk.read(trace)
    files = [file for file in directory.rglob("*") if file.is_file() and disk.wanted.search(file.name)]
    assert disk.synced.keys() & {str(file) for file in files}, "nothing was synced"
    for file in files:
        length = disk.synced[str(file)]
        assert length <= file.stat().st_size
        os.truncate(file, length)
    return sum(disk.synced[str(file)] for file in files)


class Disk:
    """Follows the files whose names match. `synced`: by path, how many bytes are safe."""

    def __init__(self, wanted: re.Pattern[str]) -> None:
        self.wanted = wanted
        self.synced = defaultdict[str, int](int)
        self._lengths = defaultdict[str, int](int)
        self._places = defaultdict[tuple[str, str], int](int)
        self._begun = dict[str, tuple[str, int]]()

    def read(self, trace: Path) -> None:
        with trace.open(errors="replace") as lines:
            for line in lines:
                thread, _, call = line.strip().partition(" ")
                self._take(thread, call.strip())

    def _take(self, thread: str, call: str) -> None:
        """A call may begin in one line and end in another one, with those of other threads in between."""
        if call.endswith("<unfinished ...>"):
            path = call.partition("<")[2].partition(">")[0]
            self._begun[thread] = (call.removesuffix("<unfinished ...>").rstrip(), self._lengths[path])
        elif resumed := re.match(r"<\.\.\. \w+ resumed>(.*)", call):
            begun, length = self._begun.pop(thread)
            self._done(begun + resumed[1], length)
        else:
            self._done(call, None)

    def _done(self, call: str, length: int | None) -> None:
        """`length`: of the file when the call began, where that was before the last line."""
        if opened := OPENED.match(call):
            told, descriptor, path = opened.groups()
            self._places[descriptor, path] = self._lengths[path] if "O_APPEND" in told else 0
        elif (called := CALLED.match(call)) and self.wanted.search(Path(called[3]).name):
            name, descriptor, path, told, result = called.groups()
            self._called(name, (descriptor, path), told, int(result), length)

    def _called(self, name: str, at: tuple[str, str], told: str, result: int, length: int | None) -> None:
        path = at[1]
        match name:
            case "lseek":
                self._places[at] = result
            case "write":
                self._places[at] += result
                self._lengths[path] = max(self._lengths[path], self._places[at])
            case "pwrite64":
                self._lengths[path] = max(self._lengths[path], int(told.rpartition(", ")[2]) + result)
            case _:
                self.synced[path] = max(self.synced[path], self._lengths[path] if length is None else length)
