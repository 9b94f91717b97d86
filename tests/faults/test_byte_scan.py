"""After an erasure and a compaction no file of any store holds a byte of what names the person."""

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from rich.console import Console

from graph.operation_files import OperationFiles
from graph.operations import OperationStore
from oneid.bootstrap import Stores, open_stores, upkeep
from oneid.domain.messages import Envelope, format_time
from oneid.domain.operations import OperationStatus
from oneid.embedded.compaction import compact
from oneid.embedded.servers import running
from oneid.log.dead_letters import DeadLetters, body
from oneid.log.events import DEAD_KEY
from oneid.services.exporting import KIND
from oneid.services.operations import OperationService
from oneid.settings import Settings
from tests.erasing import erasing
from tests.pipeline import event, open_pipeline
from tests.servers import MEMORY

STORES = ("neo4j", "opensearch", "redis")


class Canaries:
    """Values of one person that stand nowhere else. Long and of no pattern, since the stores compress what
    repeats itself: then each stands in a file as it is."""

    def __init__(self) -> None:
        noise = [uuid4().hex for _ in range(6)]
        self.user, self.email = f"user{noise[0]}", f"{noise[1]}@example.cn"
        self.openid, self.name = f"wxmini:{noise[2]}", f"Anna {noise[3]}"
        self.note, self.phone = f"note{noise[4]}", f"139{uuid4().int % 10**8:08d}"
        self.all = {
            "user": noise[0],
            "email": noise[1],
            "openid": noise[2],
            "name": noise[3],
            "note": noise[4],
            "phone": self.phone,
        }

    def found(self, directory: Path) -> dict[str, set[str]]:
        """Names of the canaries by the store whose files they are in; "" for files that are nobody's."""
        hits: dict[str, set[str]] = {}
        for path in sorted(directory.rglob("*")):
            if path.is_file():
                part = path.relative_to(directory).parts[0]
                hits.setdefault(part if part in STORES else "", set()).update(self._in(path.read_bytes()))
        return {store: names for store, names in hits.items() if names}

    def _in(self, content: bytes) -> set[str]:
        encoded = {name: [text.encode(), text.encode("utf-16-le")] for name, text in self.all.items()}
        return {name for name, texts in encoded.items() if any(text in content for text in texts)}


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


async def live(stores: Stores, canaries: Canaries) -> str:
    """The person in every store, and neighbours who stay; the person's ONE-ID."""
    pipeline = await open_pipeline(stores)
    at = stores.clock.now()
    person = {"user_id": canaries.user, "wechat_openid": canaries.openid, "phone": canaries.phone}
    traits = {"name": canaries.name, "email": canaries.email, "bio": canaries.note}
    first = event(user_id=canaries.user)
    for number in range(5):
        first = event(**person, kind="identify", extra={"traits": traits})
        second = event(user_id=canaries.user, extra={"properties": {"note": canaries.note}})
        neighbour = event(user_id=f"bo{number}", phone=canaries.phone, extra={"properties": {"note": "mine"}})
        for item in (first, second, neighbour):
            await pipeline.append([item], received=at)
            await pipeline.drain()
    one_id = await pipeline.owner("user_id", canaries.user)
    assert one_id is not None
    await upkeep(stores).projection.run_once()
    for item in (first, event(user_id="bo0")):
        envelope: Envelope = {
            "receivedAt": format_time(at),
            "source": "till",
            "sentAt": None,
            "items": [item],
        }
        await stores.redis.xadd(DEAD_KEY, {"b": body(envelope, "broken", format_time(at), 0)})
    await export(stores, one_id)
    return one_id


async def export(stores: Stores, one_id: str) -> None:
    files, store = OperationFiles(stores.graph), OperationStore(stores.graph)
    operations = OperationService(store, files, stores.clock)
    started = await operations.start(KIND, {"oneId": one_id})
    await upkeep(stores).operations.run_once()
    ended = await operations.get(started.id)
    assert ended is not None
    assert ended.status is OperationStatus.COMPLETED


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
        "events": len(await stores.events.get([f"m{n}" for n in range(1, 1000)])),
        "letters": await DeadLetters(stores.redis).count(),
    }


@pytest.mark.faults
@pytest.mark.timeout(900)
async def test_after_an_erasure_and_a_compaction_no_file_holds_a_byte_of_the_person(tmp_path: Path) -> None:
    """Two people: one is erased, the other one is suppressed, too."""
    directory, people = tmp_path / "data", (Canaries(), Canaries())
    with servers(directory) as settings:
        async with open_stores(settings) as stores:
            one_ids = [await live(stores, canaries) for canaries in people]
    for canaries in people:
        before = canaries.found(directory)
        assert before["opensearch"] == before["redis"] == set(canaries.all)
        assert before["neo4j"] >= {"user", "email", "openid", "phone"}
        assert "" not in before, "the logs name the person"

    with servers(directory) as settings:
        async with open_stores(settings) as stores:
            for one_id, suppress in zip(one_ids, (False, True), strict=True):
                receipt = await erasing(stores).erase(one_id, suppress=suppress)
                await erasing(stores).finish(receipt)
            kept = await summary(stores)
    assert all(canaries.found(directory) for canaries in people), "nothing is left to be compacted"
    compact(directory, Console(stderr=True), memory=MEMORY)

    assert [canaries.found(directory) for canaries in people] == [{}, {}]
    with servers(directory) as settings:
        async with open_stores(settings) as stores:
            assert await summary(stores) == kept
            assert (kept["events"], kept["letters"]) == (10, 2)
            pipeline = await open_pipeline(stores)
            assert await pipeline.owner("user_id", "bo0") is not None
            assert [await pipeline.owner("user_id", canaries.user) for canaries in people] == [None, None]
