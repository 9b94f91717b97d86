"""A GraphQL client for commands that tell what the API says."""

from types import TracebackType
from typing import Any

import httpx

from oneid.errors import Retriable


class GraphQLClient:
    """Asks /graphql with one key. Use as a context manager."""

    def __init__(self, url: str, key: str) -> None:
        self._http = httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=60)

    def __enter__(self) -> "GraphQLClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data. Raises Retriable with what the server said, where it gave errors."""
        try:
            answer = self._http.post("/graphql", json={"query": query, "variables": variables}).json()
        except (httpx.HTTPError, ValueError) as error:
            raise Retriable(f"the API does not answer: {error}") from None
        if answer.get("errors"):
            raise Retriable(f"the API answered: {answer['errors'][0]['message']}")
        data: dict[str, Any] = answer["data"]
        return data
