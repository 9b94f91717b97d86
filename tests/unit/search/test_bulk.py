"""Bulk requests: every item's answer counts, and what passes is sent again alone."""

from typing import Any

import pytest

from oneid.errors import Retriable
from search.bulk import CHUNK_BYTES, Operation, Outcome, bulk
from search.client import Search


class Answers(Search):
    """Answers bulk requests item by item with what is given for an id, the last of it for ever."""

    def __init__(self, given: dict[str, list[dict[str, Any]]]) -> None:
        self._given = given
        self._retry_seconds = 0.5
        self.sent: list[list[str]] = []

    async def once(self, method: str, path: str, body: Any = None, **_: Any) -> dict[str, Any]:
        ids = [line.split(b'"')[5].decode() for line in body.splitlines() if line.startswith(b'{"index"')]
        self.sent.append(ids)
        return {"items": [{"index": self._next(id)} for id in ids]}

    def _next(self, id: str) -> dict[str, Any]:
        answers = self._given.get(id, [{"status": 201}])
        return answers.pop(0) if len(answers) > 1 else answers[0]


def failed(status: int, type: str) -> dict[str, Any]:
    return {"status": status, "error": {"type": type, "reason": "why", "caused_by": {"reason": "because"}}}


def operations(*ids: str) -> list[Operation]:
    return [Operation("index", {"_id": id}, b"{}") for id in ids]


BUSY = failed(429, "rejected_execution_exception")
AWAY = failed(503, "unavailable_shards_exception")
BLOCKED = failed(403, "cluster_block_exception")
ABSENT = failed(404, "index_not_found_exception")
BROKEN = failed(500, "io_exception")


@pytest.mark.parametrize("passing", [BUSY, AWAY, BLOCKED, ABSENT, BROKEN])
async def test_what_passes_is_sent_again_alone(passing: dict[str, Any]) -> None:
    search = Answers({"b": [passing, passing, {"status": 200}]})

    assert await bulk(search, "events", operations("a", "b", "c")) == [
        Outcome(201),
        Outcome(200),
        Outcome(201),
    ]
    assert search.sent == [["a", "b", "c"], ["b"], ["b"]]


async def test_what_is_refused_for_good_is_reported_with_its_reason_and_not_sent_again() -> None:
    search = Answers({"b": [failed(400, "mapper_parsing_exception")]})

    assert await bulk(search, "events", operations("a", "b")) == [Outcome(201), Outcome(400, "why: because")]
    assert search.sent == [["a", "b"]]


async def test_a_newer_version_that_is_there_is_no_failure() -> None:
    search = Answers({"a": [failed(409, "version_conflict_engine_exception")]})

    assert await bulk(search, "events", operations("a")) == [Outcome(409)]


async def test_what_does_not_pass_in_time_is_retriable() -> None:
    search = Answers({"b": [BUSY]})

    with pytest.raises(Retriable):
        await bulk(search, "events", operations("a", "b"))
    assert search.sent[0] == ["a", "b"]
    assert {tuple(ids) for ids in search.sent[1:]} == {("b",)}


async def test_a_large_bulk_is_sent_in_parts() -> None:
    search = Answers({})
    large = [Operation("index", {"_id": f"{n}"}, b"x" * (CHUNK_BYTES // 3)) for n in range(5)]

    assert await bulk(search, "events", large) == [Outcome(201)] * 5
    assert search.sent == [["0", "1"], ["2", "3"], ["4"]]


async def test_nothing_to_send_sends_nothing() -> None:
    search = Answers({})

    assert await bulk(search, "events", []) == []
    assert search.sent == []
