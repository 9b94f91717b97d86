"""F28 with real processes: a person is erased while events of the same person come in, and parts are killed at the
same moment. Nothing that was received before comes back, and nobody else loses anything."""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import uuid4

import httpx
import pytest

from oneid.bootstrap import Stores, open_stores
from oneid.clock import monotonic
from tests.erasing import NOTHING, traces
from tests.faults.invariants import quiet
from tests.graphql_api import Api
from tests.stack import Stack, running_stack

pytestmark = pytest.mark.timeout(900)

ERASE = """
mutation($input: EraseCustomerInput!) { eraseCustomer(input: $input) { receiptId userErrors { code message } } }
"""
CUSTOMER = "query($by: CustomerLookup!) { customer(by: $by) { oneId } }"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("erasure") / "data") as started:
        yield started


@dataclass
class Sender:
    """Sends events of one person and of a neighbour, who share a phone, one request after the other."""

    stack: Stack
    name: str
    sent: list[str] = field(default_factory=list[str])
    neighbours: list[str] = field(default_factory=list[str])

    run: str = field(default_factory=lambda: uuid4().hex)

    async def send(self, stop: asyncio.Event) -> None:
        async with httpx.AsyncClient(auth=(self.stack.state.keys["write"], ""), timeout=15) as http:
            for number in itertools.count():
                if stop.is_set():
                    return
                await self._post(http, f"{self.run}-{number}")
                await asyncio.sleep(0.01)

    async def _post(self, http: httpx.AsyncClient, message: str) -> None:
        phone = {"externalIds": [{"type": "member_card", "id": f"card-{self.name}"}]}
        mine = {"type": "track", "event": "E", "messageId": message, "userId": self.name, "context": phone}
        other = {"type": "track", "event": "E", "messageId": f"bo-{message}", "userId": f"bo-{self.run}"}
        while True:
            try:
                answer = await http.post(f"{self.stack.url}/v1/batch", json={"batch": [mine, other]})
            except httpx.HTTPError:
                await asyncio.sleep(0.2)
                continue
            if answer.status_code == 200:
                self.sent.append(message)
                self.neighbours.append(f"bo-{message}")
                return
            await asyncio.sleep(0.2)


async def erase(api: Api, name: str, suppress: bool) -> None:
    """Erases whoever has the identifier. An answer that was lost may have been a good one: then there is nobody."""
    by, lost = {"identifier": {"type": "user_id", "value": name}}, False
    for _ in range(100):
        try:
            answer = (await api(ERASE, input={"customer": by, "suppress": suppress}))["eraseCustomer"]
        except (httpx.HTTPError, AssertionError):
            lost = True
            await asyncio.sleep(0.5)
            continue
        code = "" if answer["receiptId"] else answer["userErrors"][0]["code"]
        if not code or (lost and code == "NOT_FOUND"):
            return
        assert code == "UNAVAILABLE", answer
        await asyncio.sleep(0.5)
    raise AssertionError("nobody can be erased")


async def known(api: Api, name: str) -> None:
    """Waits until the person is resolved and more than a few events have been sent."""
    by = {"identifier": {"type": "user_id", "value": name}}
    for _ in range(200):
        if (await api(CUSTOMER, by=by))["customer"]:
            await asyncio.sleep(3)
            return
        await asyncio.sleep(0.5)
    raise AssertionError("the person is not resolved")


async def completed(stores: Stores) -> None:
    """Nothing is left to be done of any erasure."""
    end = monotonic() + 300
    query = "MATCH (e:Erasure) RETURN count(e) AS all, count(e.completedAt) AS completed"
    while monotonic() < end:
        (counts,) = await stores.graph.read("test", query)
        if counts["all"] and counts["all"] == counts["completed"]:
            return
        await asyncio.sleep(1)
    raise AssertionError("an erasure is not completed")


async def events(stores: Stores, ids: list[str]) -> set[str]:
    found: set[str] = set()
    for low in range(0, len(ids), 500):
        found |= set(await stores.events.get(ids[low : low + 500]))
    return found


def logs(stack: Stack) -> str:
    """What all processes and servers have logged."""
    files = [*stack.directory.rglob("*.log"), stack.directory.parent / f"{stack.directory.name}.log"]
    return "".join(file.read_text(errors="replace") for file in files)


@pytest.mark.faults
@pytest.mark.parametrize(
    ("part", "suppress"),
    [
        ("none", True),
        *itertools.product(("consumer", "worker", "api", "neo4j"), (True, False)),
        ("opensearch", True),
        ("redis", True),
    ],
)
async def test_an_erasure_during_ingest_of_the_same_person_is_final_whatever_is_killed(
    stack: Stack, part: str, suppress: bool
) -> None:
    name, stop = f"anna-{part}-{suppress}".lower(), asyncio.Event()
    sender = Sender(stack, name)
    sending = asyncio.create_task(sender.send(stop))
    async with httpx.AsyncClient(base_url=stack.url, timeout=60) as client:
        api = Api(client, stack.state.keys["admin"])
        await known(api, name)
        before = list(sender.sent)
        if part != "none":
            stack.kill(part)
        await erase(api, name, suppress)
        await asyncio.sleep(2)
        stop.set()
        await sending
        await asyncio.to_thread(stack.wait_ready)
        async with open_stores(stack.settings()) as stores:
            await quiet(stores)
            await completed(stores)
            assert before
            assert await events(stores, before) == set()
            assert await events(stores, sender.neighbours) == set(sender.neighbours)
            if suppress:
                assert await events(stores, sender.sent) == set()
                assert await traces(stores, name) == NOTHING
    assert name not in logs(stack), "a log names the person"
