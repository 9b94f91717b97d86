"""A compaction killed at any point leaves exactly one store: the old one until the copy is whole."""

from pathlib import Path

import pytest

from oneid.embedded.swap import copy_directory, settle, swap


def store(path: Path, content: str) -> None:
    path.mkdir(parents=True)
    (path / "store").write_text(content)


def found(directory: Path) -> list[tuple[str, str]]:
    return [(path.parent.name, path.read_text()) for path in sorted(directory.rglob("store"))]


def test_a_swap_leaves_the_copy_in_the_place_of_the_store(tmp_path: Path) -> None:
    store(tmp_path / "neo4j", "old")
    store(copy_directory(tmp_path) / "neo4j", "new")
    swap(tmp_path)
    assert found(tmp_path) == [("neo4j", "new")]
    assert [path.name for path in tmp_path.iterdir()] == ["neo4j"]


@pytest.mark.parametrize(
    ("places", "stays"),
    [
        (["neo4j"], "neo4j"),
        (["neo4j", "compacted/neo4j"], "neo4j"),
        (["neo4j.old", "compacted/neo4j"], "compacted/neo4j"),
        (["neo4j.old", "neo4j"], "neo4j"),
        (["neo4j.old"], "neo4j.old"),
    ],
)
def test_what_a_kill_left_is_settled_once_and_for_all(tmp_path: Path, places: list[str], stays: str) -> None:
    for place in places:
        store(tmp_path / place, place)
    for _ in range(2):
        settle(tmp_path)
        assert found(tmp_path) == [("neo4j", stays)]
        assert [path.name for path in tmp_path.iterdir()] == ["neo4j"]


def test_where_nothing_was_nothing_is_made(tmp_path: Path) -> None:
    settle(tmp_path)
    assert list(tmp_path.iterdir()) == []
