"""What there is to apply: the files of `neo4j/` and `opensearch/`, in order, each with its checksum."""

import hashlib
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from importlib.resources.abc import Traversable

from oneid.errors import OneIdError
from search.client import Search
from search.indexes import IndexNames

NEO4J_FILE = re.compile(r"V(\d{4})__(\w+)\.cypher")
OPENSEARCH_FILE = re.compile(r"v(\d{4})_(\w+)\.py")
_COMMENT = re.compile(r"^\s*//.*$", re.MULTILINE)

Upgrade = Callable[[Search, IndexNames], Awaitable[None]]
Check = Callable[[Search, IndexNames], Awaitable[list[str]]]


class MigrationError(OneIdError):
    """The stores cannot be brought to this version without somebody's decision."""

    code = "MIGRATION"


@dataclass(frozen=True, slots=True)
class Migration:
    """One file. `statements` are Cypher, to be run one by one; `upgrade` and `check` are the functions of an
    OpenSearch module: the first is idempotent, the second names what is missing or different."""

    store: str
    version: int
    name: str
    checksum: str
    statements: tuple[str, ...] = ()
    upgrade: Upgrade | None = None
    check: Check | None = None

    @property
    def id(self) -> str:
        return f"{self.store}/{self.version:04}"


def statements(text: str) -> tuple[str, ...]:
    """The statements of a Cypher file: one per `;`, `//` only at the start of a line."""
    parts = (part.strip() for part in _COMMENT.sub("", text).split(";"))
    return tuple(part for part in parts if part)


def checksum(text: str) -> str:
    """SHA-256 of the text, whatever line ends the checkout has."""
    return hashlib.sha256(text.replace("\r\n", "\n").encode()).hexdigest()


def catalog(folder: Traversable | None = None) -> tuple[Migration, ...]:
    """Every migration, the graph's first since it holds the history. Raises MigrationError on a gap."""
    root = folder or files("migrations")
    found = (*_neo4j(root / "neo4j"), *_opensearch(root / "opensearch"))
    for store in ("neo4j", "opensearch"):
        versions = [migration.version for migration in found if migration.store == store]
        if versions != list(range(1, len(versions) + 1)):
            raise MigrationError(f"the migrations of {store} are not numbered 1, 2, 3 ...: {versions}")
    return found


def _matches(folder: Traversable, pattern: re.Pattern[str]) -> Iterable[tuple[re.Match[str], str]]:
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if match := pattern.fullmatch(file.name):
            yield match, file.read_text(encoding="utf-8")


def _neo4j(folder: Traversable) -> Iterable[Migration]:
    for match, text in _matches(folder, NEO4J_FILE):
        yield Migration("neo4j", int(match[1]), match[2], checksum(text), statements=statements(text))


def _opensearch(folder: Traversable) -> Iterable[Migration]:
    for match, text in _matches(folder, OPENSEARCH_FILE):
        module = import_module(f"migrations.opensearch.{match[0].removesuffix('.py')}")
        yield Migration(
            "opensearch",
            int(match[1]),
            match[2],
            checksum(text),
            upgrade=module.upgrade,
            check=module.check,
        )
