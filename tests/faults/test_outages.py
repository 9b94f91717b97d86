"""F15: Neo4j is away for long. The log takes the events in until it is full, refuses then, and once the graph is back
all that was accepted is there, of each person in the order in which it was."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from redis.asyncio import Redis

from graph.customers import Customers
from oneid.bootstrap import Stores
from oneid.domain.identifiers import Identifier
from tests.consumers import drained
from tests.faults.invariants import scan
from tests.faults.parts import WRITE, Parts, parts
from tests.faults.test_full_log import nearly_full
from tests.servers import Servers

PEOPLE: Final = 6
ASK: Final = '{ customer(by: {identifier: {type: "user_id", value: "u0"}}) { oneId } }'
PADDING: Final = "x" * 8_000


@dataclass
class Told:
    """How many messages of each person were accepted, and how often one was refused."""

    accepted: Counter[str] = field(default_factory=Counter[str])
    refused: int = 0
    stop: asyncio.Event = field(default_factory=asyncio.Event)


async def tell(running: Parts, name: str, told: Told) -> None:
    """One message after the other, each with its number; one that is refused is sent again before the next."""
    while not told.stop.is_set():
        number = told.accepted[name] + 1
        traits = {"number": number, "padding": PADDING}
        body = {"userId": name, "messageId": f"{name}-{number}", "traits": traits}
        answer = await running.http.post(f"{running.api.url}/v1/identify", json=body, auth=(WRITE, ""))
        if answer.status_code == 200:
            told.accepted[name] = number
        else:
            assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
            assert int(answer.headers["retry-after"]) >= 1
            told.refused += 1
        await asyncio.sleep(0.05)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seconds", [15, pytest.param(600, marks=pytest.mark.faults)])
async def test_what_is_accepted_while_the_graph_is_away_is_there_afterwards_in_its_order(
    servers: Servers, stores: Stores, redis: Redis, clean: None, tmp_path: Path, seconds: float
) -> None:
    told = Told()
    async with parts(servers, tmp_path, "api", "consumer", "worker") as running, nearly_full(redis):
        async with asyncio.TaskGroup() as telling:
            for number in range(PEOPLE):
                telling.create_task(tell(running, f"u{number}", told))
            await asyncio.sleep(2)
            running.proxies["neo4j"].away(True)
            await asyncio.sleep(seconds)
            async with asyncio.timeout(90):
                while not told.refused:  # noqa: ASYNC110 - nothing tells
                    await asyncio.sleep(0.1)
            (error,) = (await running.ask(ASK))["errors"]
            assert error["extensions"]["code"] == "UNAVAILABLE"
            running.proxies["neo4j"].away(False)
            taken, end = told.accepted.total(), told.accepted.total() + 50
            async with asyncio.timeout(90):
                while told.accepted.total() < end:  # noqa: ASYNC110 - nothing tells
                    await asyncio.sleep(0.1)
            told.stop.set()
        await drained(stores, 120)
        assert running.api.is_running
        assert running.consumer.is_running
        assert running.worker.is_running
    assert taken > 100
    await all_is_there(stores, told.accepted)


async def all_is_there(stores: Stores, accepted: Counter[str]) -> None:
    await stores.events.refresh()
    documents = await scan(stores, "oneid-events", ["messageId"])
    assert len(documents) == accepted.total()
    assert {document["messageId"] for document in documents} == {
        f"{name}-{number}" for name, last in accepted.items() for number in range(1, last + 1)
    }
    found = await Customers(stores.graph).by_identifiers([Identifier("user_id", name) for name in accepted])
    numbers = {identifier.value: record.attributes["number"].value for identifier, record in found.items()}
    assert numbers == accepted
