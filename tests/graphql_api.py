"""A caller of the admin schema, for tests."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx


class Api:
    """A caller with one key."""

    def __init__(self, client: httpx.AsyncClient, key: str) -> None:
        self.client = client
        self.headers = {"Authorization": f"Bearer {key}"}

    async def raw(self, query: str, **variables: Any) -> httpx.Response:
        body = {"query": query, "variables": variables}
        return await self.client.post("/graphql", json=body, headers=self.headers)

    async def __call__(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data; fails on any top-level error."""
        answer = (await self.raw(query, **variables)).json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    async def errors(self, query: str, **variables: Any) -> list[dict[str, Any]]:
        errors: list[dict[str, Any]] = (await self.raw(query, **variables)).json()["errors"]
        return errors

    async def code(self, query: str, **variables: Any) -> str:
        """The code of the one error."""
        (error,) = await self.errors(query, **variables)
        code: str = error["extensions"]["code"]
        return code

    async def upsert(self, **identifiers: str) -> str:
        """The ONE-ID of the customer that these identifiers name."""
        given = [{"type": kind, "value": value} for kind, value in identifiers.items()]
        data = await self(UPSERT, input={"identifiers": given})
        assert data["upsertCustomer"]["userErrors"] == []
        one_id: str = data["upsertCustomer"]["customer"]["oneId"]
        return one_id

    async def ingest(self, *events: object, wait: str = "RESOLVED") -> list[dict[str, Any]]:
        """The results of the events."""
        data = await self(INGEST, input={"events": list(events), "wait": wait})
        assert data["ingestEvents"]["userErrors"] == []
        results: list[dict[str, Any]] = data["ingestEvents"]["results"]
        return results

    async def ended(self, operation: str) -> dict[str, Any]:
        """The operation of this id, once it has ended, however it did."""
        while True:
            node: dict[str, Any] = (await self(OPERATION, id=operation))["node"]
            if node["status"] not in ("QUEUED", "RUNNING"):
                return node
            await asyncio.sleep(0.1)


OPERATION = """
query Operation($id: ID!) { node(id: $id) { ... on Operation { status done result resultUrl error } } }
"""

UPSERT = """
mutation Upsert($input: UpsertCustomerInput!) {
  upsertCustomer(input: $input) {
    created customer { oneId version attributes { key value source party } identifiers { type value } }
    userErrors { code field message }
  }
}
"""

INGEST = """
mutation Ingest($input: IngestEventsInput!) {
  ingestEvents(input: $input) {
    results { index messageId status oneId userErrors { code field message } }
    userErrors { code field message }
  }
}
"""

Fresh = Callable[[str], str]
"""Makes values that nobody has used."""

CallAs = Callable[..., Awaitable[Api]]
"""Makes a caller whose key has the scopes given."""
