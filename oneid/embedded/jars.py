"""Fetches the jars of a Java server: exactly those of its lock file, each checked against its sha256.

`jgo.toml` says what is wanted and `jgo lock` writes `jgo.lock.toml` from it. Reading the lock instead of
resolving again skips some 500 POM files: 6 s instead of 60 s on an empty cache, and no version can drift.
"""

import hashlib
import os
import tomllib
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from tenacity import Retrying, stop_after_attempt, wait_random_exponential

from oneid.embedded.errors import ChecksumMismatch, ServerError

DOWNLOADS_AT_ONCE = 8
ATTEMPTS = 4
PAUSE = wait_random_exponential(multiplier=0.5, max=8)  # between attempts, in seconds


@dataclass(frozen=True)
class Jar:
    """One line of a lock file."""

    group: str
    artifact: str
    version: str
    sha256: str
    classifier: str = ""

    @property
    def coordinate(self) -> str:
        return ":".join(filter(None, (self.group, self.artifact, self.version, self.classifier)))


class Repository(Protocol):
    """Where jars come from: Maven Central through jgo, or a directory in a test."""

    def path(self, jar: Jar) -> Path:
        """Where the jar is kept on this machine, whether it is there or not."""
        ...

    def fetch(self, jar: Jar) -> None:
        """Puts the jar at its path."""
        ...


def cache_dir() -> Path:
    """The per-user cache that all data directories share."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "oneid"


def locked_jars(server: str) -> list[Jar]:
    """The jars of `server` ("neo4j", "opensearch") as its lock file names them."""
    return read_lock(files("oneid.embedded").joinpath("jars", server, "jgo.lock.toml").read_text("utf-8"))


def read_lock(lock: str) -> list[Jar]:
    """The jars that a lock file names."""
    return [
        Jar(
            entry["groupId"],
            entry["artifactId"],
            entry["version"],
            entry["sha256"],
            entry.get("classifier", ""),
        )
        for entry in tomllib.loads(lock)["dependencies"]
        if entry["packaging"] == "jar"
    ]


def class_paths(servers: Sequence[str], repository: Repository, console: Console) -> dict[str, list[Path]]:
    """The verified class path of each server, downloading what is missing and showing how far it is."""
    wanted = {server: locked_jars(server) for server in servers}
    with _progress(console) as progress, ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        work: list[Future[None]] = []
        for server, jars in wanted.items():
            missing = any(not repository.path(jar).exists() for jar in jars)
            task = progress.add_task(f"fetching {server}", total=len(jars), visible=missing)
            work += [pool.submit(_provide, jar, repository, progress, task) for jar in jars]
        for result in work:
            result.result()
    return {server: [repository.path(jar) for jar in jars] for server, jars in wanted.items()}


def ensure(jar: Jar, repository: Repository) -> None:
    """Makes sure that the right jar is at its path. A damaged one is fetched again, a wrong one refused."""
    if _matches(jar, repository.path(jar)):
        return
    policy = Retrying(stop=stop_after_attempt(ATTEMPTS), wait=PAUSE, reraise=True)
    try:
        policy(_fetch_checked, jar, repository)
    except ServerError:
        raise
    except Exception as error:
        raise ServerError(f"{jar.coordinate} cannot be downloaded from Maven Central: {error}") from error


class MavenCentral:
    """Maven Central through jgo, kept in the layout of a Maven repository under `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, jar: Jar) -> Path:
        suffix = f"-{jar.classifier}" if jar.classifier else ""
        folder = self._root.joinpath(*jar.group.split("."), jar.artifact, jar.version)
        return folder / f"{jar.artifact}-{jar.version}{suffix}.jar"

    def fetch(self, jar: Jar) -> None:
        """Downloads aside and moves the whole file in, so that a kill or a second process leaves no half jar."""
        from jgo.maven import MavenContext

        target = self.path(jar)
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self._root) as aside:
            context = MavenContext(repo_cache=Path(aside), local_repos=[], timeout=60)
            component = context.project(jar.group, jar.artifact).at_version(jar.version)
            os.replace(component.artifact(classifier=jar.classifier).resolve(), target)


def _provide(jar: Jar, repository: Repository, progress: Progress, task: TaskID) -> None:
    ensure(jar, repository)
    progress.advance(task)


def _fetch_checked(jar: Jar, repository: Repository) -> None:
    repository.fetch(jar)
    path = repository.path(jar)
    if not _matches(jar, path):
        path.unlink(missing_ok=True)
        raise ChecksumMismatch(f"{jar.coordinate} is not the file that the lock names: its sha256 differs")


def _matches(jar: Jar, path: Path) -> bool:
    try:
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == jar.sha256
    except FileNotFoundError:
        return False


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:<20}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
