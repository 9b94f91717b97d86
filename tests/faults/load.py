"""Load with a memory: what was sent, and what was acknowledged."""

import asyncio
import itertools
import random
from dataclasses import dataclass, field
from uuid import uuid4

import httpx

from tests.stack import Stack

BATCH = 20


@dataclass
class History:
    """messageIds by what the client knows of them; `people` bounds how many customers the events name."""

    people: int = 200
    sent: set[str] = field(default_factory=set[str])
    acknowledged: set[str] = field(default_factory=set[str])
    refused: list[int] = field(default_factory=list[int])


def batch(run: str, first: int, rng: random.Random, people: int) -> list[dict[str, object]]:
    """Events that name users, their devices and now and then a device and a phone: merges happen."""
    items: list[dict[str, object]] = []
    for number in range(first, first + BATCH):
        person = rng.randrange(people)
        named: dict[str, object] = rng.choice(
            [
                {"userId": f"{run}-u{person}"},
                {"anonymousId": f"{run}-a{person}"},
                {"userId": f"{run}-u{person}", "anonymousId": f"{run}-a{person}"},
                {"context": {"externalIds": [{"type": "member_card", "id": f"{run}-c{person}"}]}},
                {
                    "userId": f"{run}-u{person}",
                    "context": {"externalIds": [{"type": "member_card", "id": f"{run}-c{person}"}]},
                },
            ]
        )
        items.append({"type": "track", "event": "Load", "messageId": f"{run}-{number}", **named})
    return items


async def drive(stack: Stack, history: History, stop: asyncio.Event, clients: int = 4) -> None:
    """Sends until `stop`; a batch without a good answer is sent again, the same, as the SDKs do."""
    run, numbers = uuid4().hex[:8], itertools.count(0, BATCH)
    key = stack.state.keys["write"]

    async def client(seed: int) -> None:
        rng = random.Random(seed)
        async with httpx.AsyncClient(auth=(key, ""), timeout=15) as http:
            while not stop.is_set():
                items = batch(run, next(numbers), rng, history.people)
                await deliver(http, f"{stack.url}/v1/batch", items, history)
                await asyncio.sleep(0.02)

    await asyncio.gather(*(client(seed) for seed in range(clients)))


async def deliver(
    http: httpx.AsyncClient, url: str, items: list[dict[str, object]], history: History
) -> None:
    ids = {str(item["messageId"]) for item in items}
    history.sent |= ids
    for _ in range(300):
        try:
            answer = await http.post(url, json={"batch": items})
        except httpx.HTTPError:
            await asyncio.sleep(0.3)
            continue
        if answer.status_code == 200:
            assert answer.json() == {"success": True}
            history.acknowledged |= ids
            return
        history.refused.append(answer.status_code)
        await asyncio.sleep(0.3)
    raise AssertionError("a batch was not accepted within its tries")
