"""Which migrations there are, in which order, and when a file counts as changed."""

from pathlib import Path

import pytest

from migrations.catalog import MigrationError, catalog, checksum, statements


def test_the_graph_comes_first_since_it_holds_the_history() -> None:
    stores = [migration.store for migration in catalog()]
    assert stores == sorted(stores)
    assert catalog()[0].id == "neo4j/0001"
    assert "opensearch" in stores


def test_a_cypher_file_is_one_statement_per_semicolon_without_comments() -> None:
    text = "// A; comment.\nCREATE (a);\n\n  // another\nMATCH (n)\nRETURN n;\n"

    assert statements(text) == ("CREATE (a)", "MATCH (n)\nRETURN n")


def test_line_ends_of_a_checkout_do_not_change_a_checksum() -> None:
    assert checksum("a\r\nb\r\n") == checksum("a\nb\n")
    assert checksum("a\nb\n") != checksum("a\nc\n")


def test_a_gap_in_the_numbers_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "neo4j").mkdir()
    (tmp_path / "opensearch").mkdir()
    for name in ("V0001__one.cypher", "V0003__three.cypher"):
        (tmp_path / "neo4j" / name).write_text("RETURN 1;")

    with pytest.raises(MigrationError, match=r"neo4j are not numbered 1, 2, 3 \.\.\.: \[1, 3\]"):
        catalog(tmp_path)


def test_every_statement_of_the_graph_can_be_run_twice() -> None:
    found = [statement for migration in catalog() for statement in migration.statements]

    assert found
    again = ("CALL db.awaitIndexes", "MATCH", "MERGE")
    assert [s for s in found if "IF NOT EXISTS" not in s and not s.startswith(again)] == []
    assert [s for s in found if s.startswith(again[1:]) and "CREATE" in s] == []
