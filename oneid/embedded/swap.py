"""A fresh copy of the graph's store takes the place of the old one, whatever is killed meanwhile.

There are three places below a data directory: `neo4j`, the store; `compacted/neo4j`, its copy, which may be
unfinished; `neo4j.old`, the store that a finished copy replaces.
"""

import shutil
from pathlib import Path


def copy_directory(directory: Path) -> Path:
    """Where the copy is made."""
    return directory / "compacted"


def swap(directory: Path) -> None:
    """Puts a finished copy in place and deletes the old store."""
    store, old = directory / "neo4j", directory / "neo4j.old"
    store.rename(old)
    (copy_directory(directory) / "neo4j").rename(store)
    settle(directory)


def settle(directory: Path) -> None:
    """Ends what was killed on the way: the copy is put in place if that had begun, else thrown away."""
    store, old, copy = directory / "neo4j", directory / "neo4j.old", copy_directory(directory)
    if old.exists() and not store.exists():
        ((copy / "neo4j") if (copy / "neo4j").exists() else old).rename(store)
    shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(copy, ignore_errors=True)
