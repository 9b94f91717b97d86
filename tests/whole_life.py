"""A person with every kind of data that there is, in every store, beside a neighbour who stays and whose data names
that person wherever it can."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson

from graph.proposals import Proposals
from oneid.bootstrap import Stores, attributes, consents, retention, segments, stewardship, upkeep
from oneid.bootstrap.work import lifecycles, tags
from oneid.domain.catalog import AttributeType
from oneid.domain.computations import Aggregate, Computation
from oneid.domain.consents import ConsentState, statement
from oneid.domain.customers import DataParty
from oneid.domain.identifiers import Identifier
from oneid.domain.matching import Match
from oneid.domain.messages import Item, format_time
from oneid.domain.operations import Operation
from oneid.domain.retention import RetentionPolicy
from oneid.domain.segments.definitions import SegmentKind
from oneid.domain.segments.rules import EventPattern
from oneid.domain.tags.assignments import AssignmentMethod
from oneid.log.dead_letters import body
from oneid.log.events import DEAD_KEY
from oneid.services import exporting, segment_export
from oneid.services.attributes import DefinitionChange
from oneid.services.lifecycles import NewStage
from oneid.services.segments import NewSegment
from oneid.services.tags import NewTag
from oneid.services.upserts import Upsert, UpsertService
from tests.operations import service
from tests.pipeline import Pipeline, event

LANDLINE = "02161234567"


@dataclass
class Canaries:
    """Texts of one person by where they are put. Each stands nowhere else, is too long to be packed by a store,
    and repeats nothing that could be compressed."""

    by_place: dict[str, str] = field(default_factory=dict[str, str])

    def __call__(self, place: str) -> str:
        return self.by_place.setdefault(place, f"{uuid4().hex}{uuid4().hex}{uuid4().hex}")

    @property
    def phone(self) -> str:
        return self.by_place.setdefault("phone", f"139{uuid4().int % 10**8:08d}")

    @property
    def mail(self) -> str:
        return f"{self('mail')}@example.cn"


@dataclass
class Life:
    """Whom it is about: all ONE-IDs, the current one first; and the neighbour's. `files`: what was exported."""

    canaries: Canaries
    one_ids: Sequence[str]
    neighbour: str
    files: dict[str, Operation] = field(default_factory=dict[str, Operation])

    @property
    def texts(self) -> list[str]:
        """What must not be found once the person is erased."""
        return [*self.canaries.by_place.values(), *self.one_ids]


async def live(pipeline: Pipeline, number: int = 0) -> Life:
    """One life after the other; what people are asked about is the same for all of them."""
    stores, told = pipeline.stores, Canaries()
    await declare(stores)
    life = await events(pipeline, told, number)
    await writes(stores, life)
    await judgements(stores, life, number)
    await rules(stores, life, number)
    await in_flight(pipeline, life)
    await exports(stores, life)
    return life


async def declare(stores: Stores) -> None:
    service, sent = attributes(stores), EventPattern("Sent")
    computed = Computation(sent, Aggregate.LAST, "to")
    await service.define(DefinitionChange("last_to", AttributeType.STRING, computed=computed))
    await service.define(DefinitionChange("level", AttributeType.STRING))
    known = {lifecycle.key for lifecycle in await lifecycles(stores).all()}
    if "loyalty" not in known:
        everybody = {"identifier": {"type": "user_id"}}
        stages = [NewStage("new", "New", everybody), NewStage("regular", "Regular", {"not": everybody})]
        await lifecycles(stores).define("loyalty", "Loyalty", stages, personal=True)
        await tags(stores).create(NewTag("Club"), personal=True)
        new = NewSegment("known", "Known", SegmentKind.DYNAMIC, {"event": {"name": "Sent"}}, personal=True)
        await segments(stores).create(new)


async def events(pipeline: Pipeline, told: Canaries, number: int) -> Life:
    """A visitor becomes known; somebody else comes with the same phone, mailbox, card and landline."""
    at = pipeline.stores.clock.now()
    bo = {"user_id": f"bo{number}", "landline": LANDLINE}
    person = {"user_id": told("user"), "wechat_openid": f"wx:{told('openid')}", "phone": told.phone}
    mine = {"email": told.mail, "name": told("name"), "bio": told("bio")}
    theirs = {"email": told.mail, "bio": f"a friend of {told.mail}", "city": "Xi'an"}
    messages = (
        event(anonymous_id=told("cookie"), at=at, extra={"properties": {"note": told("note")}}),
        event(**bo, member_card=told("card"), at=at, kind="identify", extra={"traits": {"size": 42}}),
        event(**person, landline=LANDLINE, at=at, kind="identify", extra={"traits": mine}),
        event(user_id=told("user"), anonymous_id=told("cookie"), at=at),
        event(user_id=told("user"), at=at, extra={"event": "Sent", "properties": {"to": told("computed")}}),
        event(**bo, phone=told.phone, at=at, kind="identify", extra={"traits": theirs}),
        event(**bo, phone=told.phone, at=at, extra={"event": "Sent", "properties": {"to": told.phone}}),
    )
    for message in messages:
        await pipeline.append([message], received=at)
        await pipeline.drain()
    one_id, neighbour = await owner(pipeline, told("user")), await owner(pipeline, f"bo{number}")
    former = (await pipeline.customer(one_id)).former_one_ids
    assert len(former) == 1
    return Life(told, [one_id, *former], neighbour)


async def owner(pipeline: Pipeline, user: str) -> str:
    found = await pipeline.owner("user_id", user)
    assert found is not None
    return found


async def writes(stores: Stores, life: Life) -> None:
    """What partners and operators write: the card goes from the neighbour to the person, a customer is merged in."""
    told, steward = life.canaries, stewardship(stores)
    await steward.unlink(Identifier("member_card", told("card")), f"it is of {told('user')}")
    upserts, user = UpsertService(stores.graph, stores.clock, "CN"), ("user_id", told("user"))
    values = {"level": told("level"), "friends": [told("friend")]}
    wanted = Upsert(
        [user, ("member_card", told("card"))], values, source=told("source"), party=DataParty.THIRD
    )
    await upserts.upsert(wanted)
    other, _ = await upserts.upsert(Upsert([("user_id", told("second")), ("email", f"2{told.mail}")]))
    await steward.merge(life.one_ids[0], [other], told("merged"))
    life.one_ids = [*life.one_ids, other]
    proposals = Proposals(stores.graph)
    await proposals.propose([Match(life.one_ids[0], life.neighbour, 0.9, 5.0, ())], "run", "2026-01-01")
    (proposal,) = await proposals.page(1)
    await proposals.reject(proposal.id, told("rejected"), "2026-01-02")


async def judgements(stores: Stores, life: Life, number: int) -> None:
    """Tags, stages, consents and lists, of both."""
    told = life.canaries
    both = (
        (life.one_ids[0], told("tagged"), told("moved"), {"form": told("evidence")}),
        (life.neighbour, "till", "asked", None),
    )
    for one_id, source, reason, evidence in both:
        await tags(stores).assign([one_id], ["Club"], AssignmentMethod.MANUAL, source)
        await lifecycles(stores).move(one_id, "loyalty", "regular", reason)
        said = statement("email", "marketing", ConsentState.GRANTED, source, evidence)
        await consents(stores).set(one_id, said)
    members = [life.one_ids[0], life.neighbour]
    await segments(stores).create(
        NewSegment(f"list{number}", "List", SegmentKind.STATIC, members=members, personal=True)
    )
    await settle(stores)


async def rules(stores: Stores, life: Life, number: int) -> None:
    """What names the person in definitions."""
    rule = {"attribute": {"key": "level", "op": "IN", "value": [life.canaries.mail.upper(), "gold"]}}
    new = NewSegment(f"vip{number}", f"But {life.canaries.mail}", SegmentKind.DYNAMIC, rule, personal=True)
    await segments(stores).create(new)
    policy = RetentionPolicy(f"vip{number}", f"But {life.canaries.mail}", rule, False, False, 1)
    await retention(stores).define(policy)


async def in_flight(pipeline: Pipeline, life: Life) -> None:
    """A dead letter and an entry that nobody has read, of each."""
    stores, told = pipeline.stores, life.canaries
    at = stores.clock.now()

    def lost(user: str, note: str) -> Item:
        return event(user_id=user, at=at, extra={"properties": {"note": note}})

    user = f"bo{uuid4().hex}"
    for item in (lost(told("user"), told("letter")), lost(user, "mine")):
        envelope = {"receivedAt": format_time(at), "source": "till", "sentAt": None, "items": [item]}
        await stores.redis.xadd(DEAD_KEY, {"b": body(envelope, "broken", format_time(at), 0)})  # type: ignore[arg-type]
    for item in (lost(told("user"), told("accepted")), lost(user, "mine")):
        await pipeline.append([item], received=at)


async def exports(stores: Stores, life: Life) -> None:
    """The person's copy, the neighbour's, and everybody."""
    rule = {"identifier": {"type": "user_id"}}
    told = {"name": "all", "rule": rule, "format": "CSV", "pii": True}
    everybody = {**told, "attributes": ["level", "last_to"], "identifiers": ["user_id", "phone", "email"]}
    wanted: dict[str, tuple[str, dict[str, Any]]] = {
        "mine": (exporting.KIND, {"oneId": life.one_ids[0]}),
        "theirs": (exporting.KIND, {"oneId": life.neighbour}),
        "all": (segment_export.KIND, everybody),
    }
    for name, (kind, given) in wanted.items():
        started = await service(stores).start(kind, given)
        while await upkeep(stores).operations.run_once():
            continue
        ended = await service(stores).get(started.id)
        assert ended is not None
        assert ended.error is None, ended
        life.files[name] = ended


async def settle(stores: Stores) -> None:
    """Lets the worker do what is marked."""
    work = upkeep(stores)
    while (
        await work.rehoming.run_once() or await work.evaluation.run_once() or await work.projection.run_once()
    ):
        continue
    await stores.profiles.refresh()


async def lines(stores: Stores, file: Operation) -> list[dict[str, Any]]:
    """A person's copy."""
    text = b"".join([piece async for piece in service(stores).read(file)])
    return [orjson.loads(line) for line in text.splitlines()]
