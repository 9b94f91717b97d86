"""What is kept about others forgets the erased person, and nothing that came later is touched."""

from graph.rules import RulesStore
from oneid.bootstrap import Stores, stewardship
from oneid.domain.identifiers import Identifier
from oneid.domain.rules import RulesChange, TypeChange
from oneid.services.upserts import Upsert, UpsertService
from tests.erasing import NOTHING, Erasing, traces
from tests.pipeline import Pipeline, event


async def test_values_that_were_counted_at_a_shared_phone_forget_the_person(
    pipeline: Pipeline, stores: Stores, erasure: Erasing
) -> None:
    change = RulesChange(types=(TypeChange("phone", generic_after=5),))
    await RulesStore(stores.graph).change(change.apply)
    _, anna = await pipeline.ingest(
        event(user_id="bo", phone="13800138000"), event(user_id="anna-canary", phone="13800138000")
    )
    query = "MATCH (i:Identifier {key: 'phone:+8613800138000'}) RETURN i.anchors AS anchors"
    assert (await stores.graph.read("test", query))[0]["anchors"] == ["anna-canary", "bo"]

    receipt = await erasure.erase(anna)

    assert (await stores.graph.read("test", query))[0]["anchors"] == ["bo"]
    await erasure.finish(receipt)
    assert await traces(stores, "anna-canary") == NOTHING


async def test_evidence_about_whoever_uses_the_identifier_after_the_erasure_stays(
    pipeline: Pipeline, stores: Stores, erasure: Erasing
) -> None:
    """The consumer is behind, so that the first look comes after somebody else has got the phone."""
    upserts = UpsertService(stores.graph, stores.clock, "CN")
    wanted = Upsert([("user_id", "anna-canary"), ("phone", "13800138000")])
    anna, _ = await upserts.upsert(wanted)
    await pipeline.append([event(user_id="bo")])
    receipt = await erasure.erase(anna)
    cleo, created = await upserts.upsert(Upsert([("user_id", "cleo"), ("phone", "13800138000")]))
    assert created

    await pipeline.drain()
    await erasure.finish(receipt)

    query = "MATCH (d:Decision {oneId: $oneId}) RETURN d.kind AS kind, d.kept AS kept"
    found = await stores.graph.read("test", query, oneId=cleo)
    assert found == [{"kind": "CREATED", "kept": ["user_id:cleo", "phone:+8613800138000"]}]
    assert await pipeline.owner("phone", "+8613800138000") == cleo
    assert await traces(stores, "anna-canary") == NOTHING


async def test_what_was_left_out_beside_an_identifier_that_the_person_got_since_forgets_it(
    pipeline: Pipeline, stores: Stores, erasure: Erasing
) -> None:
    phone = Identifier("phone", "+8613800138000")
    await pipeline.ingest(
        event(user_id="cleo", member_card="c1"), event(user_id="bo", phone=phone.value, member_card="c1")
    )
    query = "MATCH (d:Decision {kind: 'DEMOTED'}) RETURN d.kept AS kept, d.dropped AS dropped"
    assert await stores.graph.read("test", query) == [
        {"kept": ["user_id:bo", phone.key], "dropped": ["member_card:c1"]}
    ]
    await stewardship(stores).unlink(phone, None)
    (anna,) = await pipeline.ingest(event(user_id="anna-canary", phone=phone.value))

    await erasure.finish(await erasure.erase(anna))

    assert await stores.graph.read("test", query) == [{"kept": ["user_id:bo"], "dropped": ["member_card:c1"]}]
    assert await traces(stores, "anna-canary", phone.value) == NOTHING


async def test_a_merge_by_hand_forgets_what_one_side_had_and_the_person_has_taken_along(
    pipeline: Pipeline, stores: Stores, erasure: Erasing
) -> None:
    steward, phone = stewardship(stores), Identifier("phone", "+8613800138000")
    one, two = await pipeline.ingest(
        event(user_id="bo", phone=phone.value, device_id="d1"), event(member_card="c1")
    )
    await steward.merge(two or "", [one or ""], None)
    await steward.unlink(phone, None)
    (anna,) = await pipeline.ingest(event(user_id="anna-canary", phone=phone.value))
    await pipeline.ingest(event(user_id="bo", phone=phone.value))

    await erasure.finish(await erasure.erase(anna))

    query = "MATCH (d:Decision {kind: 'MERGED'}) RETURN d.sides AS sides"
    assert await stores.graph.read("test", query) == [
        {"sides": ["0 member_card:c1", "1 user_id:bo", "1 device_id:d1"]}
    ]
    query = "MATCH (d:Decision {kind: 'DEMOTED'}) RETURN d.dropped AS dropped, d.content AS content"
    assert await stores.graph.read("test", query) == [{"dropped": [], "content": None}]
    assert await traces(stores, "anna-canary", phone.value) == NOTHING
