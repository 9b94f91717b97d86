"""What each customer did in a span of time, in numbers: of all customers, from the event index."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from oneid.domain.messages import format_time
from search.client import Search

PAGE: Final = 5_000
AMOUNT: Final = """
for (told in doc['numbers']) {
  if (told.startsWith(params.prefix) && told.lastIndexOf('=') + 1 == params.prefix.length()) {
    return Double.parseDouble(told.substring(params.prefix.length()));
  }
}
return 0.0;
"""


@dataclass(frozen=True, slots=True)
class Bought:
    """One customer: when last (milliseconds), how often, for how much."""

    last: int
    count: int
    amount: float


class Buyers:
    """Aggregates over the event index. What was stored before a call is found by it."""

    def __init__(self, search: Search, alias: str) -> None:
        self._search = search
        self._alias = alias

    async def between(
        self, name: str, amount: str, after: datetime, until: datetime
    ) -> AsyncIterator[list[Bought]]:
        """Everybody with events of a name in (after, until], in pages. `amount`: a property of the top level."""
        span = {"gt": format_time(after), "lte": format_time(until)}
        sums = {"last": {"max": {"field": "timestamp"}}, "amount": summed(amount)}
        clauses: list[dict[str, Any]] = [{"term": {"name": name}}, {"range": {"timestamp": span}}]
        async for buckets in self._customers(clauses, sums):
            yield [bought(bucket) for bucket in buckets]

    async def net(
        self, order: str, refund: str | None, amount: str, after: datetime, until: datetime
    ) -> AsyncIterator[list[float]]:
        """What everybody who ordered until a moment is worth, in pages: the amounts of orders in (after, until]
        without those of refunds."""
        since, names = (
            {"range": {"timestamp": {"gt": format_time(after)}}},
            {"orders": order, "refunds": refund},
        )
        sums = {
            kind: {
                "filter": {"term": {"name": name}},
                "aggs": {"late": {"filter": since, "aggs": {"of": summed(amount)}}},
            }
            for kind, name in names.items()
            if name is not None
        }
        clauses: list[dict[str, Any]] = [
            {"terms": {"name": [name for name in names.values() if name is not None]}},
            {"range": {"timestamp": {"lte": format_time(until)}}},
        ]
        async for buckets in self._customers(clauses, sums):
            yield [worth(bucket) for bucket in buckets if bucket["orders"]["doc_count"]]

    async def _customers(
        self, clauses: list[dict[str, Any]], measures: dict[str, Any]
    ) -> AsyncIterator[list[dict[str, Any]]]:
        await self._search.request("POST", f"/{self._alias}/_refresh")
        composite: dict[str, Any] = {
            "size": PAGE,
            "sources": [{"customer": {"terms": {"field": "customer"}}}],
        }
        body = {
            "query": {"bool": {"filter": clauses}},
            "size": 0,
            "aggs": {"customers": {"composite": composite, "aggs": measures}},
        }
        while True:
            found = (await self._search.search(self._alias, body))["aggregations"]["customers"]
            yield found["buckets"]
            if "after_key" not in found:
                return
            composite["after"] = found["after_key"]


def summed(amount: str) -> dict[str, Any]:
    return {"sum": {"script": {"source": AMOUNT, "params": {"prefix": f"{amount}="}}}}


def worth(bucket: dict[str, Any]) -> float:
    refunds = bucket["refunds"]["late"]["of"]["value"] if "refunds" in bucket else 0.0
    return float(bucket["orders"]["late"]["of"]["value"] - refunds)


def bought(bucket: dict[str, Any]) -> Bought:
    return Bought(int(bucket["last"]["value"]), bucket["doc_count"], bucket["amount"]["value"])
