"""Bulk requests: every item's own answer is read, none is dropped.

An item that fails for a reason that passes is sent again, alone; one that is refused for good is reported to the
caller. A version conflict (409) and a delete of what is not there (404) are answers, not failures: they say that
the wanted state, or a newer one, is there already.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from oneid.errors import Retriable
from search.client import PASSING, Parameters, Search
from search.encoding import dumps

#: A larger body is written in one piece by the HTTP client, and nothing else gets its turn meanwhile.
CHUNK_BYTES: Final = 1_000_000
ABSENT: Final = "index_not_found_exception"
PASSING_TYPES: Final = frozenset({ABSENT, "cluster_block_exception", "unavailable_shards_exception"})
FIELD: Final = re.compile(r'(?:parse field \[|in field=")([\w.-]+)')
ONLY_FAILURES: Final = (
    "errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason"
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One line of a bulk request, or two: `kind` is index or delete, `meta` its `_id` and the like."""

    kind: str
    meta: dict[str, Any]
    source: bytes | None = None

    def encoded(self) -> bytes:
        head = dumps({self.kind: self.meta})
        return head + b"\n" if self.source is None else head + b"\n" + self.source + b"\n"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The final answer to one operation; `reason` is there where it was refused for good."""

    status: int
    reason: str | None = None


@dataclass(slots=True)
class _Run:
    """Operations still to be answered, by position, and the answers so far."""

    pending: dict[int, bytes]
    final: Collection[str]
    outcomes: dict[int, Outcome] = field(default_factory=dict[int, Outcome])


async def bulk(
    search: Search, alias: str, operations: Sequence[Operation], *, final: Collection[str] = ()
) -> list[Outcome]:
    """Sends operations to the index behind an alias; one outcome for each, in their order. `final`: types of
    errors that are answers here, and not waited for to pass. Raises Retriable when some stay unanswered; the
    others are done then, and doing them again does no harm."""
    run = _Run({position: operation.encoded() for position, operation in enumerate(operations)}, final)

    async def attempt() -> None:
        for chunk in _chunks(run.pending):
            await _send(search, alias, run, chunk)
        if run.pending:
            raise Retriable("the search index does not take all writes")

    await search.persist(attempt)
    return [run.outcomes[position] for position in range(len(operations))]


def _chunks(pending: dict[int, bytes]) -> Iterator[list[int]]:
    chunk: list[int] = []
    size = 0
    for position, line in tuple(pending.items()):
        if chunk and size + len(line) > CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(position)
        size += len(line)
    if chunk:
        yield chunk


async def _send(search: Search, alias: str, run: _Run, chunk: list[int]) -> None:
    # Without require_alias a write before the migration would create an index with guessed mappings.
    body = b"".join(run.pending[position] for position in chunk)
    params: Parameters = {"require_alias": True, "timeout": "5s", "filter_path": ONLY_FAILURES}
    answer = await search.once("POST", f"/{alias}/_bulk", body, params=params)
    for position, item in zip(chunk, answer["items"], strict=True):
        result: dict[str, Any] = next(iter(item.values()))
        if not _passing(result, run.final):
            run.outcomes[position] = _outcome(result)
            del run.pending[position]


def field_of(reason: str) -> str:
    """The field that a refusal names first, or "": all of it that may be logged, since the rest quotes values."""
    found = FIELD.search(reason)
    return found[1] if found else ""


def _passing(result: dict[str, Any], final: Collection[str]) -> bool:
    error: dict[str, Any] = result.get("error") or {}
    if error.get("type") in final:
        return False
    return result["status"] in PASSING or result["status"] == 500 or error.get("type") in PASSING_TYPES


def _outcome(result: dict[str, Any]) -> Outcome:
    error: dict[str, Any] | None = result.get("error")
    if error is None or result["status"] == 409:
        return Outcome(result["status"])
    reasons = (error.get("reason"), (error.get("caused_by") or {}).get("reason"))
    return Outcome(result["status"], ": ".join(reason for reason in reasons if reason))
