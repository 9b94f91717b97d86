"""Messages that could not be processed."""

from collections.abc import AsyncGenerator

import orjson
import pytest
from redis.asyncio import Redis

from oneid.log.dead_letters import body
from oneid.log.events import DEAD_KEY, stream_key
from tests.graphql_api import Api, CallAs

LIST = """
query Letters($first: Int, $after: String) {
  deadLetters(first: $first, after: $after) {
    totalCount
    edges { cursor node { id messageId reason at receivedAt source event } }
    pageInfo { hasNextPage hasPreviousPage }
  }
}
"""
REPLAY = """
mutation Replay($input: ReplayDeadLettersInput!) {
  replayDeadLetters(input: $input) { replayed userErrors { code field } }
}
"""
DISCARD = """
mutation Discard($input: DiscardDeadLettersInput!) {
  discardDeadLetters(input: $input) { discarded userErrors { code field } }
}
"""


@pytest.fixture
async def letters(redis: Redis) -> AsyncGenerator[list[str]]:
    """Three letters m0 m1 m2 and nothing else; their ids."""
    await redis.delete(DEAD_KEY)
    ids = list[str]()
    for n in range(3):
        item = {"type": "identify", "messageId": f"m{n}", "userId": "u", "traits": {"email": "anna@x.cn"}}
        envelope = {
            "receivedAt": "2026-03-01T08:00:00.000Z",
            "source": "web",
            "sentAt": None,
            "items": [item],
        }
        letter = body(envelope, "poison", "2026-03-01T08:00:01.000Z", 0)  # type: ignore[arg-type]
        ids.append((await redis.xadd(DEAD_KEY, {"b": letter})).decode())
    yield ids
    await redis.delete(DEAD_KEY)


async def test_letters_are_listed_page_by_page_in_order_of_failure(api: Api, letters: list[str]) -> None:
    first = (await api(LIST, first=2))["deadLetters"]
    rest = (await api(LIST, first=2, after=first["edges"][-1]["cursor"]))["deadLetters"]
    assert [edge["node"]["id"] for edge in first["edges"] + rest["edges"]] == letters
    assert first["totalCount"] == 3
    assert first["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": False}
    assert rest["pageInfo"] == {"hasNextPage": False, "hasPreviousPage": True}
    node = first["edges"][0]["node"]
    assert (node["messageId"], node["reason"], node["source"]) == ("m0", "poison", "web")
    assert node["event"]["traits"] == {"email": "anna@x.cn"}


async def test_a_replayed_letter_goes_into_the_log_and_is_gone(
    api: Api, letters: list[str], redis: Redis
) -> None:
    before = (
        await redis.xinfo_stream(stream_key(0)) if await redis.exists(stream_key(0)) else {"entries-added": 0}
    )
    answer = (await api(REPLAY, input={"ids": [letters[1], "1-1", "nonsense"]}))["replayDeadLetters"]
    assert answer["replayed"] == [letters[1]]
    assert [(e["code"], e["field"]) for e in answer["userErrors"]] == [
        ("NOT_FOUND", ["ids", "1"]),
        ("NOT_FOUND", ["ids", "2"]),
    ]
    after = await redis.xinfo_stream(stream_key(0))
    assert after["entries-added"] == before["entries-added"] + 1
    (_, fields) = after["last-entry"]
    assert orjson.loads(fields[b"b"])["items"][0]["messageId"] == "m1"
    assert (await api(LIST))["deadLetters"]["totalCount"] == 2
    await redis.delete(stream_key(0))


async def test_a_discarded_letter_is_gone(api: Api, letters: list[str]) -> None:
    answer = (await api(DISCARD, input={"ids": letters[:2], "reason": "test data"}))["discardDeadLetters"]
    assert answer == {"discarded": letters[:2], "userErrors": []}
    assert (await api(LIST))["deadLetters"]["totalCount"] == 1


async def test_more_than_a_hundred_at_a_time_are_refused(api: Api, letters: list[str]) -> None:
    answer = (await api(REPLAY, input={"ids": ["1-1"] * 101}))["replayDeadLetters"]
    assert [(e["code"], e["field"]) for e in answer["userErrors"]] == [("TOO_LARGE", ["ids"])]


async def test_letters_are_for_admins(call_as: CallAs, letters: list[str]) -> None:
    assert await (await call_as("customers:read", "analytics:read")).code(LIST) == "FORBIDDEN"
