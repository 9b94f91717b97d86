"""What tells whether a profile document is the customer's current one, read in bulk."""

from collections.abc import AsyncIterator
from typing import Any, Final, NamedTuple

from search.client import Search
from search.documents import content_hash

CONTENT: Final[dict[str, Any]] = {"version": True}
VERSIONS: Final[dict[str, Any]] = {"_source": False, "docvalue_fields": ["version"]}

#: A document that somebody made by hand and that no walk in order of ONE-ID comes by.
NAMELESS: Final[dict[str, Any]] = {"bool": {"must_not": [{"exists": {"field": "oneId"}}]}}


class Fingerprint(NamedTuple):
    """`hash` of the content is "" where the document was changed by somebody else than its writer."""

    version: int
    hash: str


def fingerprint(hit: dict[str, Any]) -> Fingerprint:
    """What a document is, by its content and by the version that the index keeps of it: its writer gives it
    both, somebody who changes it by hand neither."""
    document, version = hit["_source"], hit["_version"]
    intact = document.get("version") == version and document.get("hash") == content_hash(document)
    return Fingerprint(version, document["hash"] if intact else "")


async def walk(
    search: Search, alias: str, after: str, until: str | None, *, limit: int, wanted: dict[str, Any]
) -> AsyncIterator[dict[str, Any]]:
    """The searchable documents in the range (after, until] of ONE-IDs, in order, `limit` a request; until None:
    to the end."""
    bounds = {"gt": after} if until is None else {"gt": after, "lte": until}
    query = {"bool": {"filter": [{"range": {"oneId": bounds}}]}}
    body: dict[str, Any] = {"query": query, "size": limit, "sort": [{"oneId": "asc"}], **wanted}
    while hits := (await search.search(alias, body))["hits"]["hits"]:
        for hit in hits:
            yield hit
        body["search_after"] = hits[-1]["sort"]
