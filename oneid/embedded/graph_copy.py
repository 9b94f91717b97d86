"""A logical copy of a graph: every node, relationship and rule of the schema, and no byte of what was deleted.

Neo4j's own dump and copy take the store's files as they are, with the records of deleted data in them.
"""

from array import array
from collections.abc import Iterable, Iterator
from typing import Any, Final

from neo4j import Driver, GraphDatabase, Session

from oneid.embedded.errors import ServerError

BATCH_ROWS: Final = 5_000
BATCH_BYTES: Final = 4 * 1024 * 1024

READ_NODES: Final = "MATCH (n) RETURN [id(n), labels(n), properties(n)] AS row"
READ_LINKS: Final = "MATCH (a)-[r]->(b) RETURN [id(a), id(b), type(r), properties(r)] AS row"

WRITE_NODES: Final = """
UNWIND $rows AS row
CREATE (n:$(row[1])) SET n = row[2]
RETURN row[0] AS old, id(n) AS new
"""

WRITE_LINKS: Final = """
UNWIND $rows AS row
MATCH (a) WHERE id(a) = row[0]
MATCH (b) WHERE id(b) = row[1]
CREATE (a)-[r:$(row[2])]->(b) SET r = row[3]
"""

SCHEMA: Final = (
    "SHOW CONSTRAINTS YIELD createStatement RETURN createStatement",
    """
    SHOW INDEXES YIELD createStatement, owningConstraint, type
    WHERE owningConstraint IS NULL AND type <> 'LOOKUP' RETURN createStatement
    """,
)

COUNTS: Final = "MATCH (n) WITH count(n) AS nodes OPTIONAL MATCH ()-[r]->() RETURN nodes, count(r) AS links"


def copy(source: str, target: str) -> int:
    """Copies the graph at one Bolt address to the empty one at another; returns the number of nodes. Memory:
    eight bytes a node. Raises ServerError if the copy is not whole."""
    with _connected(source) as old, _connected(target) as new:
        with old.session() as read, new.session() as write:
            _copy_links(read, write, _copy_nodes(read, write))
            _copy_schema(read, write)
            expected, found = _counts(read), _counts(write)
        if expected != found:
            raise ServerError(f"the copy has {found} nodes and relationships instead of {expected}")
        return expected[0]


def _connected(url: str) -> Driver:
    return GraphDatabase.driver(url, notifications_min_severity="OFF")


def _copy_nodes(read: Session, write: Session) -> "array[int]":
    """The new id of each node, by its old one."""
    ids: array[int] = array("q")
    for rows in _batches(record["row"] for record in read.run(READ_NODES)):
        for record in write.run(WRITE_NODES, rows=rows):
            old: int = record["old"]
            ids.extend([-1] * (old + 1 - len(ids)))
            ids[old] = record["new"]
    return ids


def _copy_links(read: Session, write: Session, ids: "array[int]") -> None:
    for rows in _batches(record["row"] for record in read.run(READ_LINKS)):
        moved = [[ids[start], ids[end], kind, held] for start, end, kind, held in rows]
        write.run(WRITE_LINKS, rows=moved).consume()


def _copy_schema(read: Session, write: Session) -> None:
    for query in SCHEMA:
        for record in list(read.run(query)):
            write.run(record["createStatement"]).consume()
    write.run("CALL db.awaitIndexes(600)").consume()


def _counts(session: Session) -> tuple[int, int]:
    record = session.run(COUNTS).single(strict=True)
    return record["nodes"], record["links"]


def _batches(rows: Iterable[list[Any]]) -> Iterator[list[list[Any]]]:
    """Rows in portions that fit into one transaction, however large their values are."""
    batch: list[list[Any]] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += sum(len(value) for value in row[-1].values() if isinstance(value, str | bytes))
        if len(batch) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
