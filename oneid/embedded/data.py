"""The data of an embedded deployment as files: copied whole, with every server stopped."""

import shutil
from pathlib import Path

from oneid.embedded.errors import ServerError
from oneid.embedded.lock import DataDirLock
from oneid.embedded.servers import stop_leftovers

STORES = ("redis", "neo4j", "opensearch")


def backup(directory: Path, target: Path) -> None:
    """Copies the stores and the sandbox keys into `target`, which must not exist.

    `target` appears only when the copy is whole. Raises `DataDirInUse` while oneid runs.
    """
    if target.exists():
        raise ServerError(f"{target} exists already; name a directory that does not")
    if not has_data(directory):
        raise ServerError(f"{directory} holds no data to back up")
    with DataDirLock(directory):
        stop_leftovers(directory)
        aside = target.with_name(f"{target.name}.unfinished")
        _copy(directory, aside)
        aside.rename(target)


def restore(source: Path, directory: Path) -> None:
    """Copies a backup into `directory`, which must hold no data. Nothing is in place before all is copied."""
    if not has_data(source):
        raise ServerError(f"{source} is no backup: none of {', '.join(STORES)} is in it")
    with DataDirLock(directory):
        if has_data(directory):
            raise ServerError(f"{directory} holds data already; delete it with: oneid reset --yes")
        aside = directory / "restore.unfinished"
        _copy(source, aside)
        for path in list(aside.iterdir()):
            path.replace(directory / path.name)
        aside.rmdir()


def has_data(directory: Path) -> bool:
    """Whether any of the stores is there."""
    return any((directory / name).exists() for name in STORES)


def _copy(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True, mode=0o700)
    for name in STORES:
        if (source / name).exists():
            shutil.copytree(source / name, target / name)
    if (source / "state.json").exists():
        shutil.copy2(source / "state.json", target / "state.json")
