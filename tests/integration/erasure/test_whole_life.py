"""A person of whom everything is kept that can be: the copy shows all of it, and an erasure leaves nothing of it."""

import pytest

from graph.attached import ATTACHED
from oneid.bootstrap import Stores
from oneid.domain.operations import Operation
from oneid.errors import NotFound
from tests.erasing import NOTHING, Erasing, graph_text, index_text, log_text, traces
from tests.operations import service
from tests.pipeline import Pipeline
from tests.whole_life import Life, lines, live, settle

OF_NEIGHBOURS = "MATCH (n) WHERE NOT n:Erasure RETURN labels(n)[0] AS name, count(*) AS n ORDER BY name"


@pytest.fixture
async def life(pipeline: Pipeline) -> Life:
    return await live(pipeline)


async def test_a_persons_copy_holds_whatever_any_store_holds(stores: Stores, life: Life) -> None:
    told = life.canaries.by_place
    held = "".join([await graph_text(stores), await index_text(stores), await log_text(stores)])
    assert [place for place, text in told.items() if text not in held] == []

    copy = await lines(stores, life.files["mine"])

    text = str(copy)
    assert [place for place, canary in told.items() if canary not in text] == []
    assert [one_id for one_id in life.one_ids if one_id not in text] == []
    assert life.neighbour not in text
    kinds = {line["kind"] for line in copy}
    own = {"customer", "identifier", "attribute", "formerOneId", "condition", "decision"}
    assert kinds == {*own, "accepted", "event", "deadLetter", *(attached.name for attached in ATTACHED)}


async def test_a_persons_copy_says_where_each_value_comes_from(stores: Stores, life: Life) -> None:
    told, copy = life.canaries, await lines(stores, life.files["mine"])
    attributes = {line["key"]: line for line in copy if line["kind"] == "attribute"}
    user = {"type": "user_id", "value": told("user")}
    level, computed = attributes["level"], attributes["last_to"]
    assert (level["source"], level["party"], level["by"]) == (told("source"), "THIRD", user)
    assert level["unchangedSince"] == level["updatedAt"]
    assert (computed["value"], computed["source"]) == (told("computed"), "computed")
    pattern = {"name": "Sent", "where": []}
    assert computed["computedFrom"] == {
        "pattern": pattern,
        "aggregate": "LAST",
        "property": "to",
        "last_days": None,
    }
    by_kind = {line["kind"]: line for line in copy}
    assert (by_kind["tags"]["tag"], by_kind["tags"]["given"][1]) == ("Club", "MANUAL")
    assert by_kind["consents"]["evidence"] == {"form": told("evidence")}
    told_of = [(line["name"], line["change"]) for line in copy if line["kind"] == "segment_transitions"]
    assert ("Known", "IS_IN") in told_of
    stages = [line for line in copy if line["kind"] == "stages"]
    assert [(line.get("to"), line.get("reason")) for line in stages if line.get("reason")] == [
        ("regular", told("moved"))
    ]
    assert [line["intervals"] for line in copy if line["kind"] == "condition"]


async def test_an_erasure_leaves_nothing_of_the_person_in_any_store(
    pipeline: Pipeline, stores: Stores, erasure: Erasing, life: Life
) -> None:
    before = await traces(stores, *life.texts)
    assert set(before["graph"]) | set(before["index"]) | set(before["redis"]) == set(life.texts)

    receipt = await erasure.erase(life.one_ids[1])
    for operation in life.files.values():
        with pytest.raises(NotFound):
            _ = [piece async for piece in service(stores).read(await found(stores, operation.id))]
    await pipeline.drain()
    await erasure.finish(receipt)
    await settle(stores)

    assert await traces(stores, *life.texts) == NOTHING


async def found(stores: Stores, id_: str) -> Operation:
    operation = await service(stores).get(id_)
    if operation is None:
        raise NotFound("gone")
    return operation


async def test_an_erasure_takes_nothing_from_the_neighbour(
    pipeline: Pipeline, stores: Stores, erasure: Erasing, life: Life
) -> None:
    await pipeline.drain()
    await erasure.finish(await erasure.erase(life.one_ids[0]))
    await settle(stores)

    bo = await pipeline.customer(life.neighbour)
    assert {key: held.value for key, held in bo.attributes.items()} == {
        "email": None,
        "bio": "a friend of ",
        "city": "Xi'an",
        "size": 42,
    }
    # Who came by the log after them is new, too.
    counts = {row["name"]: row["n"] for row in await stores.graph.read("test", OF_NEIGHBOURS)}
    assert (counts["ConsentChange"], counts["StageChange"], counts["Household"]) == (1, 3, 1)
    assert (await stores.events.by_customer([bo.one_id])).total == 3
