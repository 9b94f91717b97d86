"""Customers who stay keep what is theirs; what named the erased person leaves them, wherever it stands."""

import pytest

from graph.rules import RulesStore
from oneid.bootstrap import Stores, attributes, stewardship, upkeep
from oneid.domain.catalog import AttributeType
from oneid.domain.computations import Aggregate, Computation
from oneid.domain.identifiers import Identifier
from oneid.domain.rules import RulesChange, SharedIdentifierPolicy, TypeChange
from oneid.domain.segments.rules import EventPattern
from oneid.services.attributes import DefinitionChange
from oneid.services.stewardship import Split
from oneid.services.upserts import Upsert, UpsertService
from tests.erasing import NOTHING, Erasing, traces
from tests.pipeline import Pipeline, event

MAIL, PHONE, CARD = "anna-canary@example.cn", "13800138000", "card-canary"
VIAS = "MATCH ()-[m:MEMBER_OF]->() RETURN m.via AS via ORDER BY via"
FIRST = "MATCH (i:Identifier {key: $key}) RETURN i.firstOneId AS first"


async def gone(stores: Stores, erasure: Erasing, one_id: str | None, *values: str) -> None:
    """Erases a customer and looks for it once the first look is over, and once all is."""
    receipt = await erasure.erase(one_id)
    await show(stores)
    assert await traces(stores, *values) == NOTHING
    await erasure.finish(receipt)
    assert await traces(stores, *values, one_id or "") == NOTHING


async def show(stores: Stores) -> None:
    """Lets the worker write what was marked into the index."""
    work = upkeep(stores)
    while await work.evaluation.run_once() or await work.projection.run_once():
        pass


async def unlink(stores: Stores, kind: str, value: str) -> None:
    await stewardship(stores).unlink(Identifier(kind, value), None)


async def change_rules(stores: Stores, **named: object) -> None:
    await RulesStore(stores.graph).change(RulesChange(**named).apply)  # type: ignore[arg-type]


@pytest.mark.parametrize("written", [MAIL, MAIL.upper(), f"  {MAIL} "])
async def test_a_demoted_trait_leaves_the_attribute_of_the_other_customer(
    pipeline: Pipeline, stores: Stores, erasure: Erasing, written: str
) -> None:
    """Two user ids don't become one by a mailbox: it stays Anna's, and Bo's attribute holds it, too."""
    traits = {"email": written, "bio": f"write to {MAIL}", "city": "Xi'an", "size": 42}
    anna, bo = await pipeline.ingest(
        event(user_id="anna-canary", kind="identify", extra={"traits": {"email": MAIL}}),
        event(user_id="bo", kind="identify", extra={"traits": traits}),
    )
    await show(stores)
    before = await pipeline.customer(bo)
    assert (await traces(stores, MAIL))["graph"] == [MAIL]

    await gone(stores, erasure, anna, MAIL, "anna-canary")

    after = await pipeline.customer(bo)
    assert {key: held.value for key, held in after.attributes.items()} == {
        "email": None,
        "bio": "write to ",
        "city": "Xi'an",
        "size": 42,
    }
    assert after.version > before.version
    assert [held.updated_at for held in after.attributes.values()] == [
        held.updated_at for held in before.attributes.values()
    ]


async def test_whose_identifier_wrote_a_value_is_forgotten_after_it_became_somebody_elses(
    pipeline: Pipeline, stores: Stores, erasure: Erasing
) -> None:
    """Bo's card wrote Bo's city, was taken off, and is Anna's when she is erased."""
    wrote = event(member_card=CARD, kind="identify", extra={"traits": {"city": "Xi'an"}})
    bo, _ = await pipeline.ingest(wrote, event(member_card=CARD, user_id="bo"))
    await unlink(stores, "member_card", CARD)
    (anna,) = await pipeline.ingest(event(member_card=CARD, user_id="anna-canary"))
    assert anna != bo

    await gone(stores, erasure, anna, CARD, "anna-canary")

    held = (await pipeline.customer(bo)).attributes["city"]
    assert (held.value, held.identifier) == ("Xi'an", None)


async def test_an_upserted_value_leaves_whoever_a_decision_names(
    pipeline: Pipeline, stores: Stores, erasure: Erasing
) -> None:
    upserts = UpsertService(stores.graph, stores.clock, "CN")
    named = [("user_id", "bo"), ("member_card", CARD)]
    bo, _ = await upserts.upsert(Upsert(named, set={"note": f"card {CARD}", "size": 1}))
    await unlink(stores, "member_card", CARD)
    (anna,) = await pipeline.ingest(event(member_card=CARD, user_id="anna-canary"))

    await gone(stores, erasure, anna, CARD)

    assert {key: held.value for key, held in (await pipeline.customer(bo)).attributes.items()} == {
        "note": "card ",
        "size": 1,
    }


async def test_what_was_written_after_the_erasure_stays(
    pipeline: Pipeline, stores: Stores, erasure: Erasing
) -> None:
    """The consumer is behind, so that the first look comes after Bo has got the mailbox."""
    upserts = UpsertService(stores.graph, stores.clock, "CN")
    (anna, bo) = await pipeline.ingest(
        event(user_id="anna-canary", kind="identify", extra={"traits": {"email": MAIL}}),
        event(user_id="bo", kind="identify", extra={"traits": {"email": MAIL}}),
    )
    await pipeline.append([event(user_id="cleo")])
    receipt = await erasure.erase(anna)
    assert (await pipeline.customer(bo)).attributes["email"].value is None
    await upserts.upsert(Upsert([("user_id", "bo"), ("email", MAIL)], set={"email": MAIL}))

    await pipeline.drain()
    await erasure.finish(receipt)

    held = (await pipeline.customer(bo)).attributes["email"]
    assert held.value == MAIL
    assert await pipeline.owner("email", MAIL) == bo


async def leave(pipeline: Pipeline, stores: Stores, how: str) -> str | None:
    """Bo's device was seen with Bo's landline, and becomes Anna's, or nobody's; Anna's ONE-ID."""
    bo = event(device_id=CARD, user_id="bo")
    await pipeline.ingest(event(device_id=CARD, landline="02161234567"), bo)
    if how == "unlinked":
        await unlink(stores, "device_id", CARD)
    if how == "transferred":
        await change_rules(stores, types=(TypeChange("device_id", transfer_on_verified=True),))
    if how in ("LAST_LOGIN", "QUARANTINE"):
        await change_rules(stores, shared_identifier_policy=SharedIdentifierPolicy[how])
    context = {"verified": ["device_id"]} if how == "transferred" else {}
    (anna,) = await pipeline.ingest(event(user_id="anna-canary", device_id=CARD, context={**context}))
    return anna


@pytest.mark.parametrize("how", ["unlinked", "transferred", "LAST_LOGIN"])
async def test_a_membership_forgets_by_which_identifier_it_came(
    pipeline: Pipeline, stores: Stores, erasure: Erasing, how: str
) -> None:
    """A membership is history, as events are: it stays with Bo when the identifier goes."""
    anna = await leave(pipeline, stores, how)
    assert await pipeline.owner("device_id", CARD) == anna
    assert await stores.graph.read("test", VIAS) == [{"via": f"device_id:{CARD}"}]

    await gone(stores, erasure, anna, CARD, "anna-canary")

    assert await stores.graph.read("test", VIAS) == [{"via": ""}]


async def test_a_membership_of_whoever_has_the_identifier_since_then_keeps_it(
    pipeline: Pipeline, stores: Stores, erasure: Erasing
) -> None:
    (anna,) = await pipeline.ingest(event(user_id="anna-canary", device_id=CARD))
    await pipeline.append([event(user_id="cleo")])
    receipt = await erasure.erase(anna)
    later = event(device_id=CARD, landline="02161234567", user_id="bo")
    await pipeline.append([later], received=stores.clock.now())

    await pipeline.drain()
    await erasure.finish(receipt)

    assert await pipeline.owner("device_id", CARD) == await pipeline.owner("user_id", "bo") is not None
    assert await stores.graph.read("test", VIAS) == [{"via": "user_id:bo"}]


async def test_an_identifier_forgets_whose_it_was_first(
    pipeline: Pipeline, stores: Stores, erasure: Erasing
) -> None:
    """Anna's card was taken off and is Bo's since then; another one was split off with a part."""
    named = {"member_card": [CARD, "card-2"], "user_id": "anna-canary"}
    (anna,) = await pipeline.ingest(event(**named))
    await unlink(stores, "member_card", CARD)
    (bo,) = await pipeline.ingest(event(user_id="bo", member_card=CARD))
    await stewardship(stores).split(Split(anna or "", [Identifier("member_card", "card-2")]))
    anna = await pipeline.owner("user_id", "anna-canary")
    keys = [f"member_card:{card}" for card in (CARD, "card-2")]
    assert [(await stores.graph.read("test", FIRST, key=key))[0]["first"] for key in keys] == [anna, anna]

    await gone(stores, erasure, anna, "anna-canary")

    assert await pipeline.owner("member_card", CARD) == bo
    assert await pipeline.owner("member_card", "card-2") is not None
    assert [(await stores.graph.read("test", FIRST, key=key))[0]["first"] for key in keys] == [None, None]


async def test_a_computed_attribute_is_computed_without_the_person(
    pipeline: Pipeline, stores: Stores, erasure: Erasing
) -> None:
    """Bo's last event names Anna's card, which is hers by then."""
    computation = Computation(EventPattern("Seen"), Aggregate.LAST, "card")
    change = DefinitionChange("last_card", AttributeType.STRING, computed=computation)
    await attributes(stores).define(change)
    (anna, bo) = await pipeline.ingest(
        event(user_id="anna-canary", member_card=CARD),
        event(user_id="bo", member_card=CARD, extra={"properties": {"card": CARD}}),
    )
    await show(stores)
    assert (await pipeline.customer(bo)).attributes["last_card"].value == CARD

    await gone(stores, erasure, anna, CARD, "anna-canary")

    assert "last_card" not in (await pipeline.customer(bo)).attributes


async def test_a_decision_that_was_kept_once_for_its_content_has_an_id_that_says_nothing(
    pipeline: Pipeline, stores: Stores, erasure: Erasing
) -> None:
    """It was made of the identifiers without a secret: a phone number is guessed from it in minutes."""
    named = {"user_id": "bo", "phone": PHONE}
    anna, _, bo = await pipeline.ingest(
        event(user_id="anna-canary", phone=PHONE), event(user_id="bo"), event(**named)
    )
    query = "MATCH (d:Decision {oneId: $oneId, kind: 'DEMOTED'}) RETURN d.id AS id, d.dropped AS dropped"
    (before,) = await stores.graph.read("test", query, oneId=bo)

    await gone(stores, erasure, anna, PHONE, before["id"])

    (after,) = await stores.graph.read("test", query, oneId=bo)
    assert after["dropped"] == []


async def test_what_an_operator_wrote_about_others_forgets_the_person(
    pipeline: Pipeline, stores: Stores, erasure: Erasing
) -> None:
    (bo,) = await pipeline.ingest(event(user_id="bo", phone=PHONE))
    steward = stewardship(stores)
    await steward.unlink(Identifier("phone", f"+86{PHONE}"), f"{PHONE} is Anna's")
    (anna,) = await pipeline.ingest(event(user_id="anna-canary", phone=PHONE))

    await gone(stores, erasure, anna, PHONE)

    query = "MATCH (d:Decision {oneId: $oneId, kind: 'UNLINKED'}) RETURN d.reason AS reason"
    assert await stores.graph.read("test", query, oneId=bo) == [{"reason": " is Anna's"}]
