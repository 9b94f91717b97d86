"""Whom OpenSearch finds for random rules over random histories is whom brute force finds, at every instant; and so is
whose documents match the rules as stored queries."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from random import randrange
from typing import Any, TypeVar
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from graph.attribute_catalog import AttributeCatalog
from graph.projection import Projections
from oneid.bootstrap import Stores, consents, materialisation, searchable, stewardship, upkeep, work
from oneid.clock import sequence
from oneid.domain.catalog import AttributeType
from oneid.domain.consents import ConsentState, statement
from oneid.domain.customers import DataParty
from oneid.domain.identifiers import Identifier
from oneid.domain.messages import Item, format_time
from oneid.domain.segments.conditions import timed
from oneid.domain.segments.dates import lags, relative
from oneid.domain.segments.membership import Live, course
from oneid.domain.segments.rules import All, Rule
from oneid.domain.tags.assignments import AssignmentMethod
from oneid.services.attributes import AttributeService, DefinitionChange
from oneid.services.audiences import AudienceService
from oneid.services.consents import ConsentService
from oneid.services.lifecycles import NewStage
from oneid.services.stewardship import Split
from oneid.services.tags import NewTag
from oneid.services.upserts import Upsert, UpsertService
from search.documents import course_of, profile_document
from search.encoding import dumps
from search.segments.compiler import Compiler
from search.segments.percolator import percolated
from search.segments.present import Told, holding
from search.typed import written_dates
from tests.integration.segments.conftest import HandClock
from tests.pipeline import Pipeline
from tests.segment_oracle import DAY, HOUR, START, WRITTEN, Event, Person, is_member
from tests.segment_strategies import (
    DECLARED,
    PARTIES,
    STAGES,
    TAGS,
    TYPES,
    given_tags,
    histories,
    merging_rules,
    rules,
    stages,
)
from tests.segment_strategies import (
    attributes as some_attributes,
)
from tests.segment_strategies import (
    consents as some_consents,
)

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
GENERATE = [Phase.generate]
Drawn = TypeVar("Drawn")
BATCH = 500
"""Rules that are stored at once."""
AT_ONCE = 100
"""Rules that are asked in one request."""
RECEIVED = datetime(2026, 6, 1, tzinfo=UTC)
INSTANTS = (START - 30 * DAY, START, START + 8 * HOUR, START + 7 * DAY, START + 31 * DAY, START + 75 * DAY)


def some_person(
    held: dict[str, Any],
    events: list[Event],
    parties: list[str],
    card: bool,
    said: list[tuple[str, str, str]],
    tags: list[tuple[str, int | None]],
    stage: str | None,
) -> Person:
    attributes = {key: (held[key], parties[n % len(parties)]) for n, key in enumerate(sorted(held))}
    given = [(tag, START, None if days is None else START + days * DAY) for tag, days in tags]
    place = None if stage is None else (stage, START)
    return Person(attributes, {"user_id", *(["member_card"] if card else [])}, events, said, given, place)


collectors = st.lists(st.sampled_from(PARTIES), min_size=1, max_size=3)
people = st.builds(
    some_person, some_attributes, histories(), collectors, st.booleans(), some_consents, given_tags, stages
)
merging_people = st.builds(
    some_person, st.just({}), histories(), collectors, st.booleans(), st.just([]), given_tags, st.none()
)


def drawn(strategy: st.SearchStrategy[Drawn], count: int, number: int) -> list[Drawn]:
    """So many examples, those of a number: many more than one example of a list can have."""
    found = list[Drawn]()

    @seed(number)
    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=SLOW, phases=GENERATE)
    @given(strategy)
    def collect(one: Drawn) -> None:
        found.append(one)

    collect()
    return found[:count]


def moment(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)


def message(event: Event, user: str) -> Item:
    return {
        "type": "track",
        "messageId": event.id,
        "event": event.name,
        "userId": user,
        "timestamp": format_time(moment(event.at)),
        "properties": event.properties,
    }


class World:
    """People in the stores, and whom rules find among them."""

    def __init__(
        self, stores: Stores, pipeline: Pipeline, audiences: AudienceService, clock: HandClock
    ) -> None:
        self._stores = stores
        self._pipeline = pipeline
        self._audiences = audiences
        self._clock = clock
        self.people: dict[str, Person] = {}
        self.users: dict[str, str] = {}
        self._gone: dict[str, Person] = {}
        self._own: dict[str, set[str]] = {}
        self._read: dict[str, Rule] = {}
        self._live = Live()

    async def settle(self, population: list[Person]) -> None:
        """Puts people into the stores."""
        await self._define()
        upserts = UpsertService(self._stores.graph, self._clock, "CN")
        for person in population:
            user = uuid4().hex
            identifiers = [("user_id", user)]
            if "member_card" in person.identifiers:
                identifiers.append(("member_card", user))
            self._clock.at = RECEIVED
            one_id, _ = await upserts.upsert(Upsert(identifiers))
            for name in PARTIES:
                held = {key: value for key, (value, party) in person.attributes.items() if party == name}
                if held:
                    self._clock.at = moment(WRITTEN[name])
                    await upserts.upsert(Upsert(identifiers, set=held, party=DataParty[name]))
            person.one_id = one_id
            person.events = [replace(event, id=uuid4().hex) for event in person.events]
            self.people[one_id], self.users[one_id] = person, user
        items = [message(e, self.users[id_]) for id_, person in self.people.items() for e in person.events]
        if items:
            await self._pipeline.append(items, RECEIVED)
            await self._pipeline.drain()
        await searchable(self._stores)(list(self.people))
        service = consents(self._stores)
        await asyncio.gather(*(say(service, *pair) for pair in self.people.items()))
        self._clock.at = moment(START)
        for one_id, person in self.people.items():
            for tag, _, end in person.tags:
                until = None if end is None else moment(end)
                await work.tags(self._stores).assign([one_id], [tag], AssignmentMethod.MANUAL, "test", until)
            if person.stage:
                await work.lifecycles(self._stores).move(one_id, "model", person.stage[0], "test")
        await searchable(self._stores)(list(self.people))
        await self._stores.profiles.refresh()

    async def _define(self) -> None:
        for path in TAGS:
            above, _, name = path.rpartition("/")
            await work.tags(self._stores).create(NewTag(name, above or None), personal=True)
        nobody = {"event": {"name": "Nothing"}}
        stages = [NewStage(stage, stage, nobody) for stage in STAGES]
        await work.lifecycles(self._stores).define("model", "Model", stages, personal=True)

    async def merge(self, survivor: str, loser: str) -> None:
        """Makes two of the people one, with the events, identifiers and tags of both."""
        await stewardship(self._stores).merge(survivor, [loser], None)
        gone, left = self.people.pop(loser), self.people[survivor]
        self._gone[loser] = gone
        left.events, left.tags = left.events + gone.events, left.tags + gone.tags
        self._own.setdefault(survivor, left.identifiers)
        left.identifiers = left.identifiers | gone.identifiers
        await self._settled()

    async def split(self, survivor: str, part: str) -> None:
        """Takes somebody who was merged out again: the events go along, the tags stay."""
        user, left, back = self.users[part], self.people[survivor], self._gone.pop(part)
        identifiers = [Identifier(kind, user) for kind in sorted(back.identifiers)]
        assert await stewardship(self._stores).split(Split(survivor, identifiers)) == (survivor, part)
        left.events = [event for event in left.events if event not in back.events]
        left.identifiers = self._own[survivor].union(*(one.identifiers for one in self._gone.values()))
        back.tags, self.people[part] = [], back
        await self._settled()

    async def _settled(self) -> None:
        upkept = upkeep(self._stores)
        await upkept.rehoming.run_once()
        while await upkept.evaluation.run_once() or await upkept.projection.run_once():
            pass
        await self._stores.profiles.refresh()

    async def found(self, at: int) -> list[set[str]]:
        """Those of the people whom the index finds for each rule at an instant."""
        self._clock.at = moment(at)
        among = {"terms": {"oneId": list(self.people)}}
        lines = list[dict[str, Any]]()
        for query in (await self._audiences.queries(self._read)).values():
            body = {"query": {"bool": {"filter": [among, query]}}, "size": len(self.people), "_source": False}
            lines += [{"index": "oneid-profiles"}, body]
        found = list[set[str]]()
        for begin in range(0, len(lines), 2 * AT_ONCE):
            sent = b"".join(dumps(line) + b"\n" for line in lines[begin : begin + 2 * AT_ONCE])
            for one in (await self._stores.search.request("POST", "/_msearch", sent))["responses"]:
                assert "error" not in one, one
                found.append({hit["_id"] for hit in one["hits"]["hits"]})
        return found

    def told(self, one_id: str) -> list[Any]:
        """A person as a failure shows it."""
        events = [(event.id, event.name, event.at, event.properties) for event in self.people[one_id].events]
        return [self.people[one_id].attributes, events]

    def expected(self, rule: dict[str, Any], at: int) -> set[str]:
        return {one_id for one_id, person in self.people.items() if is_member(rule, person, at)}

    async def _materialise(self, written: list[dict[str, Any]]) -> None:
        """Makes the conditions of many rules at once, and stores the rules as queries."""
        self._read = await self._audiences.read_each({str(n): rule for n, rule in enumerate(written)})
        conditions = timed(All(tuple(self._read.values())))
        compiler = Compiler(Told(), await materialisation(self._stores).numbers(conditions))
        version = sequence()
        queries = {name: (version, compiler.compile(rule)) for name, rule in self._read.items()}
        stored = await self._stores.percolator.stored()
        await self._stores.percolator.store(queries, stored.keys() - queries)
        self._live = Live(
            dates=tuple(relative([*self._read.values()]).values()),
            lags=tuple(sorted(lags(self._read.values()))),
        )

    async def percolated(self, at: int) -> list[set[str]]:
        """Those of the people whose documents match the stored query of each rule at an instant."""
        entries = await Projections(self._stores.graph).among(list(self.people))
        catalog = await AttributeCatalog(self._stores.graph).current()
        documents = list[dict[str, Any]]()
        for entry in entries:
            document = profile_document(entry.record, catalog)
            dates = written_dates(entry.record.attributes, catalog)
            held = course_of(entry.record, catalog)
            told = course(held, self._live, dates, {moment(at).year}, ZoneInfo("UTC"))
            documents.append(percolated(document, holding(*told.holding(at))))
        matched = await self._stores.percolator.matched(documents)
        pairs = list(zip(entries, matched, strict=True))
        return [{e.record.one_id for e, hits in pairs if n in hits} for n in self._read]

    async def check(self, rules: list[dict[str, Any]], number: int) -> None:
        """Whom searches find, and whose documents match, at every instant, is whom brute force finds. `number`: of the
        examples, so that a failure can be repeated."""
        for begin in range(0, len(rules), BATCH):
            written = rules[begin : begin + BATCH]
            await self._materialise(written)
            for at in INSTANTS:
                await self._check(written, at, number)

    async def _check(self, written: list[dict[str, Any]], at: int, number: int) -> None:
        found, matched = await self.found(at), await self.percolated(at)
        for rule, people, matching in zip(written, found, matched, strict=True):
            wrong = (people ^ self.expected(rule, at)) | (people ^ matching)
            assert not wrong, dumps([number, rule, at, [self.told(one_id) for one_id in wrong]]).decode()


async def say(service: ConsentService, one_id: str, person: Person) -> None:
    for channel, purpose, state in person.consents:
        await service.set(one_id, statement(channel, purpose, ConsentState(state), "test", None))


async def declare(attributes: AttributeService) -> None:
    for key, values in DECLARED.items():
        await attributes.define(DefinitionChange(key, AttributeType(TYPES[key]), values or None))


@pytest.fixture
async def world(
    pipeline: Pipeline,
    stores: Stores,
    audiences: AudienceService,
    attributes: AttributeService,
    clock: HandClock,
) -> World:
    await declare(attributes)
    return World(stores, pipeline, audiences, clock)


@pytest.mark.timeout(600)
async def test_whom_the_index_finds_is_whom_brute_force_finds(world: World) -> None:
    number = randrange(2**32)
    await world.settle(drawn(people, 24, number))
    await world.check(drawn(rules, 1_500, number), number)


@pytest.mark.timeout(600)
async def test_after_merges_and_splits_it_is_whom_brute_force_finds_with_the_events_of_each(
    world: World,
) -> None:
    number = randrange(2**32)
    await world.settle(drawn(merging_people, 8, number))
    written = drawn(merging_rules, BATCH, number)
    eldest, second, third, *_ = world.people
    await world.check(written, number)
    await world.merge(eldest, second)
    await world.merge(eldest, third)
    await world.check(written, number)
    await world.split(eldest, third)
    await world.check(written, number)
    await world.split(eldest, second)
    await world.check(written, number)
