"""Counting what is known of customers: one request, answered by aggregations, exact on an index of one shard."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from oneid.domain.audits import Counted, Sharing
from search.client import Search

MAX_NAMES: Final = 2_000
MAX_SHARED: Final = 10_000

LEAF: Final = "attributes.attributes."
"""How a flat_object begins the name of each leaf, which it keeps as name=value."""

NAMES: Final = """
def found = new HashSet();
for (told in doc['attributes._valueAndPath']) {
  String leaf = told.substring(params.start);
  int end = leaf.indexOf('=');
  int dot = leaf.indexOf('.');
  found.add(leaf.substring(0, dot > 0 && dot < end ? dot : end));
}
return new ArrayList(found);
"""

VALUES: Final = """
def found = new HashSet();
for (told in doc['attributes._valueAndPath']) {
  for (prefix in params.prefixes) {
    if (told.startsWith(prefix)) { found.add(told.substring(params.start).toLowerCase()); }
  }
}
return new ArrayList(found);
"""


class Audits:
    """Reads the indexes of profiles and of events."""

    def __init__(self, search: Search, profiles: str, events: str) -> None:
        self._search = search
        self._profiles = profiles
        self._events = events

    async def events(self) -> int:
        """How many events there are."""
        answer = await self._search.request("POST", f"/{self._events}/_count")
        return int(answer["count"])

    async def customers(self, keys: Sequence[str], queries: Mapping[str, dict[str, Any]]) -> Counted:
        """What is known of all customers. `keys`: attributes whose values should be one person's."""
        prefixes = [f"{LEAF}{key}=" for key in keys]
        values = {"source": VALUES, "params": {"start": len(LEAF), "prefixes": prefixes}}
        names = {"source": NAMES, "params": {"start": len(LEAF)}}
        body = {
            "size": 0,
            "track_total_hits": True,
            "aggs": {
                "names": {"terms": {"script": names, "size": MAX_NAMES}},
                "types": {"terms": {"field": "identifierTypes", "size": MAX_NAMES}},
                "parties": {"terms": {"field": "parties", "size": MAX_NAMES}},
                "values": {"terms": {"script": values, "size": MAX_SHARED, "min_doc_count": 2}},
                "queries": {"filters": {"filters": dict(queries)}},
            },
        }
        answer = await self._search.search(self._profiles, body)
        found = answer["aggregations"]
        return Counted(
            answer["hits"]["total"]["value"],
            counts(found["names"]),
            counts(found["types"]),
            counts(found["parties"]),
            {name: bucket["doc_count"] for name, bucket in found["queries"]["buckets"].items()},
            sharing(keys, counts(found["values"])),
        )


def counts(found: dict[str, Any]) -> dict[str, int]:
    return {bucket["key"]: bucket["doc_count"] for bucket in found["buckets"]}


def sharing(keys: Sequence[str], found: Mapping[str, int]) -> dict[str, Sharing]:
    """By attribute how many values several customers have, and how many customers those are."""
    values, customers = defaultdict[str, int](int), defaultdict[str, int](int)
    for told, count in found.items():
        key = next(key for key in keys if told.startswith(f"{key.lower()}="))
        values[key] += 1
        customers[key] += count
    return {key: Sharing(key, values[key], customers[key], len(found) < MAX_SHARED) for key in keys}
