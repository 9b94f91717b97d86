"""PostHog's clients, pointed at this server by host and key."""

from typing import Any

import pytest

from graph.client import Graph
from tests.e2e.sdks.checks import check_one_customer, check_times, traits_of
from tests.e2e.sdks.conftest import NODE, Events, Source, python_client, run
from tests.lossy import losing


def check_stored(stored: list[dict[str, Any]], who: str) -> None:
    """Who somebody is, what they did, and an alias, as the clients in this folder tell it."""
    assert [event["type"] for event in stored] == ["alias", "identify", "track"]
    assert len({event["messageId"] for event in stored}) == 3
    alias, identify, track = stored
    assert alias["payload"]["previousId"] == f"{who}-old"
    assert f"user_id:{who}-u1" in alias["identifiers"]
    assert identify["payload"]["traits"] == traits_of(who)
    assert f"email:{who}@example.com" in identify["identifiers"]
    assert (track["name"], track["payload"]["properties"]["total"]) == ("Order Completed", 12.5)
    assert track["identifiers"] == [f"user_id:{who}-u1"]
    assert len({event["customer"] for event in stored}) == 1
    check_times(stored)


@pytest.mark.parametrize("options", [[], ["packed"]])
async def test_the_python_client_delivers_each_kind(
    url: str, source: Source, events: Events, options: list[str]
) -> None:
    await run(*python_client("posthog_python"), url, source.key, source.who, *options)
    check_stored(await events.of(source), source.who)


async def test_the_node_client_delivers_each_kind_and_knows_the_visitor_again(
    page_node: str, url: str, source: Source, events: Events, graph: Graph
) -> None:
    await run(page_node, str(NODE / "posthog.mjs"), url, source.key, source.who)
    check_stored(await events.of(source), source.who)
    await check_one_customer(graph, f"anonymous_id:{source.who}-a1", f"user_id:{source.who}-u1")


async def test_the_python_client_whose_answer_is_lost_sends_again_and_is_stored_once(
    url: str, source: Source, events: Events
) -> None:
    async with losing(url) as proxy:
        await run(*python_client("posthog_python"), proxy.url, source.key, source.who)
        assert proxy.lost == 1
    check_stored(await events.of(source), source.who)
