"""People who are changed over GraphQL while parts fail: what was answered, and what must therefore be so."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import httpx

from graph.customers import Customers
from oneid.bootstrap import Stores
from oneid.domain.identifiers import Identifier
from tests.stack import Stack

PASSING: Final = {"UNAVAILABLE", "TIMEOUT", "THROTTLED"}
ANSWERED_SECONDS: Final = 60.0
ADD: Final = """
mutation ($input: UpsertCustomerInput!) {
  upsertCustomer(input: $input) { customer { oneId version } userErrors { code } }
}
"""
UNLINK: Final = """
mutation ($input: UnlinkIdentifierInput!) { unlinkIdentifier(input: $input) { userErrors { code } } }
"""
FIND: Final = '{ customers(search: "u1", first: 5) { edges { node { oneId } } } clock { now } }'


@dataclass
class Counted:
    """Persons of whom each has a counter: how often adding one was tried, and how often it is known to be done."""

    names: Sequence[str] = field(default_factory=lambda: [f"counted-{uuid4().hex[:8]}" for _ in range(4)])
    tried: Counter[str] = field(default_factory=Counter[str])
    done: Counter[str] = field(default_factory=Counter[str])
    versions: dict[str, int] = field(default_factory=dict[str, int])

    async def more(self, count: int) -> None:
        """Returns when so many more are done."""
        enough = self.done.total() + count
        while self.done.total() < enough:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.1)


async def act(stack: Stack, counted: Counted, stop: asyncio.Event, seed: int) -> None:
    """Adds, takes identifiers off and searches until `stop`. Every call is answered in time: with data, or with
    an error that passes."""
    rng = random.Random(seed)
    headers = {"authorization": f"Bearer {stack.state.keys['admin']}"}
    async with httpx.AsyncClient(headers=headers, timeout=ANSWERED_SECONDS) as http:
        while not stop.is_set():
            await rng.choice([add, add, unlink, find])(http, stack, counted, rng)
            await asyncio.sleep(0.1)


async def ask(http: httpx.AsyncClient, stack: Stack, query: str, **given: Any) -> dict[str, Any] | None:
    """The data; None where the caller may try again. An answer that doesn't come in time is no answer."""
    try:
        answer = await http.post(f"{stack.url}/graphql", json={"query": query, "variables": given})
    except httpx.TimeoutException:
        raise
    except httpx.HTTPError:
        return None
    body = answer.json()
    codes = {error["extensions"]["code"] for error in body.get("errors", [])}
    assert codes <= PASSING, body
    return None if codes else body["data"]


async def add(http: httpx.AsyncClient, stack: Stack, counted: Counted, rng: random.Random) -> None:
    name = rng.choice(counted.names)
    counted.tried[name] += 1
    given = {"identifiers": [{"type": "user_id", "value": name}], "increment": {"visits": 1}}
    data = await ask(http, stack, ADD, input=given)
    if data is None or refused(data["upsertCustomer"], PASSING):
        return
    counted.done[name] += 1
    version = data["upsertCustomer"]["customer"]["version"]
    assert version > counted.versions.get(name, 0), "a version went back"
    counted.versions[name] = version


async def unlink(http: httpx.AsyncClient, stack: Stack, _: Counted, rng: random.Random) -> None:
    named = {"type": "user_id", "value": f"nobody-{rng.randrange(10)}"}
    data = await ask(http, stack, UNLINK, input={"identifier": named})
    assert data is None or refused(data["unlinkIdentifier"], PASSING | {"NOT_FOUND"})


async def find(http: httpx.AsyncClient, stack: Stack, _: Counted, __: random.Random) -> None:
    await ask(http, stack, FIND)


def refused(payload: dict[str, Any], allowed: set[str]) -> bool:
    codes = {error["code"] for error in payload["userErrors"]}
    assert codes <= allowed, payload
    return bool(codes)


async def counts_hold(stores: Stores, counted: Counted) -> None:
    """Whatever was answered is there, and nothing more than was asked."""
    for name in counted.names:
        found = await Customers(stores.graph).by_identifiers([Identifier("user_id", name)])
        visits = [int(record.attributes["visits"].value) for record in found.values()]
        assert len(visits) == (counted.tried[name] > 0 and (bool(visits) or counted.done[name] > 0))
        assert counted.done[name] <= sum(visits) <= counted.tried[name]
