"""What the server itself answers to writes that cannot be, beside those that can."""

from search.bulk import Operation, bulk
from search.client import Search
from search.events import EventIndex
from search.indexes import IndexNames
from tests.integration.search.factories import event


async def test_one_refused_item_leaves_the_others_alone(
    search: Search, names: IndexNames, events: EventIndex
) -> None:
    await events.store([event("there")])
    operations = [
        Operation("index", {"_id": "good"}, b'{"messageId":"good"}'),
        Operation("index", {"_id": "bad"}, b'{"unheard":"of"}'),
        Operation("index", {"_id": "late"}, b'{"timestamp":"not a time"}'),
        Operation("delete", {"_id": "absent"}),
        Operation("delete", {"_id": "there", "routing": "c1", "if_seq_no": 99, "if_primary_term": 1}),
    ]

    outcomes = await bulk(search, names.events, operations)

    assert [outcome.status for outcome in outcomes] == [201, 400, 400, 404, 409]
    assert [outcome.reason is None for outcome in outcomes] == [True, False, False, True, True]
    assert "unheard" in (outcomes[1].reason or "")
    await events.refresh()
    assert sorted(await events.get(["there"])) == ["there"]
