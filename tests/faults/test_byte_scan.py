"""After an erasure and a compaction no file of any store holds a byte of what names the person."""

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from oneid.bootstrap import Stores, open_stores
from oneid.embedded.compaction import compact
from oneid.embedded.servers import running
from oneid.log.dead_letters import DeadLetters
from oneid.settings import Settings
from tests.erasing import erasing
from tests.pipeline import open_pipeline
from tests.servers import MEMORY
from tests.whole_life import Canaries, Life, live, settle

STORES = ("neo4j", "opensearch", "redis")
PIECE = 32
"""Of three such pieces a border of Neo4j's blocks, 120 bytes apart, leaves two whole."""


def pieces(text: str) -> list[bytes]:
    """What a file may hold of a text: stores break long ones at the borders of their blocks."""
    parts = [text[low : low + PIECE] for low in range(0, len(text), PIECE)]
    return [part.encode(code) for part in parts for code in ("utf-8", "utf-16-le")]


def found(directory: Path, told: Canaries) -> dict[str, set[str]]:
    """Places of the canaries by the store whose files they are in; "" for files that are nobody's."""
    encoded = {place: pieces(text) for place, text in told.by_place.items()}
    hits: dict[str, set[str]] = {}
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            part, content = path.relative_to(directory).parts[0], path.read_bytes()
            there = {place for place, texts in encoded.items() if any(text in content for text in texts)}
            hits.setdefault(part if part in STORES else "", set()).update(there)
    return {store: places for store, places in hits.items() if places}


@contextmanager
def servers(directory: Path) -> Generator[Settings]:
    """The three servers on a directory of their own, migrated."""
    with running(directory, Console(stderr=True), memory=MEMORY) as state:
        urls = {f"{name}_url": state.urls[name] for name in STORES}
        settings = Settings.model_validate({**urls, "mode": "sandbox", "data_dir": directory})
        environment = {f"ONEID_{name.upper()}": url for name, url in urls.items()}
        subprocess.run(
            [sys.executable, "-m", "migrations", "up"], env={**os.environ, **environment}, check=True
        )
        yield settings


async def summary(stores: Stores) -> dict[str, int]:
    """What is there of the neighbours."""
    rows = await stores.graph.read(
        "test", "MATCH (n) WHERE NOT n:Erasure RETURN labels(n)[0] AS name, count(*) AS n"
    )
    constraints = await stores.graph.read("test", "SHOW INDEXES YIELD name RETURN count(name) AS n")
    await stores.events.refresh()
    return {
        **{row["name"]: row["n"] for row in rows},
        "schema": constraints[0]["n"],
        "events": await stores.replays.count(),
        "letters": await DeadLetters(stores.redis).count(),
    }


async def erase(stores: Stores, people: list[Life]) -> dict[str, int]:
    """One of them is suppressed, too; what waits in the log is dropped. What is there of the neighbours then."""
    for life, suppress in zip(people, (False, True), strict=True):
        receipt = await erasing(stores).erase(life.one_ids[-1], suppress=suppress)
        await (await open_pipeline(stores)).drain()
        await erasing(stores).finish(receipt)
    await settle(stores)
    return await summary(stores)


def there_before(directory: Path, life: Life) -> None:
    """Each canary is in a file, so that not to find it says something."""
    before = found(directory, life.canaries)
    assert "" not in before, "the logs name the person"
    assert set().union(*before.values()) == set(life.canaries.by_place)
    assert before["neo4j"] >= {"user", "mail", "phone", "level", "evidence", "tagged", "moved", "rejected"}
    assert before["opensearch"] >= {"user", "mail", "phone", "card", "note", "bio", "level", "computed"}
    assert before["redis"] >= {"user", "phone", "note", "letter", "accepted"}


@pytest.mark.faults
@pytest.mark.timeout(900)
async def test_after_an_erasure_and_a_compaction_no_file_holds_a_byte_of_the_person(tmp_path: Path) -> None:
    """Two people of whom everything is kept that can be, each with a neighbour who has the same mailbox, phone,
    card and landline: exports, consents, tags, stages, lists, rules, proposals, letters, entries not read."""
    directory = tmp_path / "data"
    with servers(directory) as settings:
        async with open_stores(settings) as stores:
            pipeline = await open_pipeline(stores)
            people = [await live(pipeline, number) for number in range(2)]
    for life in people:
        there_before(directory, life)

    with servers(directory) as settings:
        async with open_stores(settings) as stores:
            kept = await erase(stores, people)
    assert all(found(directory, life.canaries) for life in people), "nothing is left to be compacted"
    compact(directory, Console(stderr=True), memory=MEMORY)

    assert [found(directory, life.canaries) for life in people] == [{}, {}]
    with servers(directory) as settings:
        async with open_stores(settings) as stores:
            assert await summary(stores) == kept
            assert (kept["ConsentChange"], kept["letters"], kept["events"]) == (2, 2, 8)
            owners = await (await open_pipeline(stores)).owner("user_id", "bo0")
            assert owners == people[0].neighbour
