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
  if (told.startsWith(params.prefix)) { return Double.parseDouble(told.substring(params.prefix.length())); }
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
        await self._search.request("POST", f"/{self._alias}/_refresh")
        span = {"gt": format_time(after), "lte": format_time(until)}
        composite: dict[str, Any] = {
            "size": PAGE,
            "sources": [{"customer": {"terms": {"field": "customer"}}}],
        }
        script = {"source": AMOUNT, "params": {"prefix": f"{amount}="}}
        sums = {"last": {"max": {"field": "timestamp"}}, "amount": {"sum": {"script": script}}}
        body = {
            "query": {"bool": {"filter": [{"term": {"name": name}}, {"range": {"timestamp": span}}]}},
            "size": 0,
            "aggs": {"customers": {"composite": composite, "aggs": sums}},
        }
        while True:
            found = (await self._search.search(self._alias, body))["aggregations"]["customers"]
            yield [bought(bucket) for bucket in found["buckets"]]
            if "after_key" not in found:
                return
            composite["after"] = found["after_key"]


def bought(bucket: dict[str, Any]) -> Bought:
    return Bought(int(bucket["last"]["value"]), bucket["doc_count"], bucket["amount"]["value"])
