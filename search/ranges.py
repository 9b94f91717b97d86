"""Ranges of ONE-IDs, for what is asked of all customers part by part."""

from typing import Any, Final, TypeAlias

from search.client import Search
from search.segments.buckets import PRIME

Range: TypeAlias = tuple[str, str | None]
"""After the first, up to the second; None: to the end."""

EVERYTHING: Final[Range] = ("", None)
DRAWN: Final = 64
"""Customers drawn for each range: their number in it is then within a third of what was asked."""

MAX_DRAWN: Final = 10_000


def within(field: str, among: Range) -> dict[str, Any]:
    """The query for what has a ONE-ID of the range in a field."""
    after, until = among
    return {"range": {field: {"gt": after} if until is None else {"gt": after, "lte": until}}}


async def ranges(search: Search, alias: str, size: int) -> list[Range]:
    """Ranges that hold everything, each with about `size` profiles, or more where they are many millions.

    Their ends are drawn from the profiles at random: each has a number of its own, which nothing else goes by."""
    everybody = {"size": 0, "track_total_hits": True}
    total = (await search.search(alias, everybody))["hits"]["total"]["value"]
    parts = -(-total // size)
    if parts <= 1:
        return [EVERYTHING]
    drawn = min(DRAWN * parts, MAX_DRAWN)
    body: dict[str, Any] = {
        "query": {"range": {"seed": {"lt": PRIME * drawn // total}}},
        "size": MAX_DRAWN,
        "sort": [{"oneId": "asc"}],
        "_source": False,
    }
    hits = (await search.search(alias, body))["hits"]["hits"]
    ends = [hits[len(hits) * part // parts]["sort"][0] for part in range(1, parts)] if hits else []
    return list(zip(["", *ends], [*ends, None], strict=True))
