"""Whom OpenSearch finds for random rules over random histories is whom brute force finds, at every instant; and so is
whose documents match the rules as stored queries."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from graph.attribute_catalog import AttributeCatalog
from graph.projection import Projections
from oneid.bootstrap import Stores, consents, materialisation, searchable, stewardship, upkeep
from oneid.domain.catalog import AttributeType
from oneid.domain.consents import ConsentState, statement
from oneid.domain.customers import DataParty
from oneid.domain.messages import Item, format_time
from oneid.domain.segments.conditions import timed
from oneid.domain.segments.dates import relative
from oneid.domain.segments.membership import Live, course
from oneid.domain.segments.rules import AttributeRule
from oneid.services.attributes import AttributeService, DefinitionChange
from oneid.services.audiences import AudienceService
from oneid.services.consents import ConsentService
from oneid.services.upserts import Upsert, UpsertService
from search.documents import profile_document
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
    TYPES,
    histories,
    rules,
    timed_rules,
)
from tests.segment_strategies import (
    attributes as some_attributes,
)
from tests.segment_strategies import (
    consents as some_consents,
)

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
RECEIVED = datetime(2026, 6, 1, tzinfo=UTC)
INSTANTS = (START - 30 * DAY, START, START + 8 * HOUR, START + 7 * DAY, START + 31 * DAY, START + 75 * DAY)


def some_person(
    held: dict[str, Any],
    events: list[Event],
    parties: list[str],
    card: bool,
    said: list[tuple[str, str, str]],
) -> Person:
    attributes = {key: (held[key], parties[n % len(parties)]) for n, key in enumerate(sorted(held))}
    return Person(attributes, {"user_id", *(["member_card"] if card else [])}, events, said)


collectors = st.lists(st.sampled_from(PARTIES), min_size=1, max_size=3)
people = st.builds(some_person, some_attributes, histories(), collectors, st.booleans(), some_consents)


def moment(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)


def message(event: Event, user: str) -> Item:
    return {
        "type": "track",
        "messageId": f"{user}-{event.id}",
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
        self.past: dict[str, Person] = {}
        self.users: dict[str, str] = {}
        self._dates: tuple[AttributeRule, ...] = ()

    async def settle(self, population: list[Person]) -> None:
        """Replaces the people; those who were there before stay in the stores."""
        self.past |= self.people
        self.people, self.users = {}, {}
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
            self.people[one_id], self.users[one_id] = person, user
        items = [message(e, self.users[id_]) for id_, person in self.people.items() for e in person.events]
        if items:
            await self._pipeline.append(items, RECEIVED)
            await self._pipeline.drain()
        await searchable(self._stores)(list(self.people))
        service = consents(self._stores)
        await asyncio.gather(*(say(service, *pair) for pair in self.people.items()))

    async def merge(self, survivor: str, loser: str) -> None:
        """Makes two of the people one, with the events of both."""
        await stewardship(self._stores).merge(survivor, [loser], None)
        await upkeep(self._stores).rehoming.run_once()
        self.people[survivor].events += [
            Event(f"{self.users[loser]}-{event.id}", event.name, event.at, event.properties)
            for event in self.people.pop(loser).events
        ]
        await searchable(self._stores)([survivor])

    async def found(self, written: list[dict[str, Any]], at: int) -> list[set[str]]:
        """Those of the people whom the index finds for each rule at an instant."""
        self._clock.at = moment(at)
        among = {"terms": {"oneId": list(self.people)}}
        lines = list[dict[str, Any]]()
        for rule in written:
            query = await self._audiences.query(await self._audiences.read(rule, personal=True))
            body = {"query": {"bool": {"filter": [among, query]}}, "size": len(self.people), "_source": False}
            lines += [{"index": "oneid-profiles"}, body]
        sent = b"".join(dumps(line) + b"\n" for line in lines)
        answer = await self._stores.search.request("POST", "/_msearch", sent)
        return [{hit["_id"] for hit in one["hits"]["hits"]} for one in answer["responses"]]

    def told(self, one_id: str) -> list[Any]:
        """A person as a failure shows it."""
        events = [(event.id, event.name, event.at, event.properties) for event in self.people[one_id].events]
        return [self.people[one_id].attributes, events]

    def expected(self, rule: dict[str, Any], at: int) -> set[str]:
        return {one_id for one_id, person in self.people.items() if is_member(rule, person, at)}

    async def materialise(self, written: list[dict[str, Any]]) -> None:
        """Makes the conditions of many rules at once, and stores the rules as queries."""
        read = [await self._audiences.read(rule, personal=True) for rule in written]
        conditions = {id_: rule for one in read for id_, rule in timed(one).items()}
        compiler = Compiler(Told(), await materialisation(self._stores).numbers(conditions))
        queries = {str(n): compiler.compile(rule) for n, rule in enumerate(read)}
        stored = await self._stores.percolator.stored()
        await self._stores.percolator.store(queries, stored.keys() - queries)
        self._dates = tuple(relative(read).values())

    async def percolated(self, written: list[dict[str, Any]], at: int) -> list[set[str]]:
        """Those of the people whose documents match the stored query of each rule at an instant."""
        entries = await Projections(self._stores.graph).among(list(self.people))
        catalog = await AttributeCatalog(self._stores.graph).current()
        documents = list[dict[str, Any]]()
        for entry in entries:
            document, live = profile_document(entry.record, catalog), Live(dates=self._dates)
            dates = written_dates(entry.record.attributes, catalog)
            told = course(entry.record.held, live, dates, {moment(at).year}, ZoneInfo("UTC"))
            documents.append(percolated(document, holding(*told.holding(at))))
        matched = await self._stores.percolator.matched(documents)
        pairs = list(zip(entries, matched, strict=True))
        return [{e.record.one_id for e, hits in pairs if str(n) in hits} for n in range(len(written))]

    async def check(self, written: list[dict[str, Any]]) -> None:
        """Whom searches find, and whose documents match, at every instant, is whom brute force finds."""
        for at in INSTANTS:
            found, matched = await self.found(written, at), await self.percolated(written, at)
            for rule, people, matching in zip(written, found, matched, strict=True):
                wrong = (people ^ self.expected(rule, at)) | (people ^ matching)
                assert not wrong, dumps([rule, at, [self.told(one_id) for one_id in wrong]]).decode()


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
    for key, values in DECLARED.items():
        await attributes.define(DefinitionChange(key, AttributeType(TYPES[key]), values or None))
    return World(stores, pipeline, audiences, clock)


@pytest.mark.timeout(600)
@settings(
    max_examples=3,
    deadline=None,
    database=None,
    suppress_health_check=SLOW,
    phases=[Phase.generate],
)
@given(
    population=st.lists(people, min_size=12, max_size=12),
    written=st.lists(rules, min_size=40, max_size=40),
)
async def test_whom_the_index_finds_is_whom_brute_force_finds(
    world: World, population: list[Person], written: list[dict[str, Any]]
) -> None:
    await world.settle(population)
    await world.materialise(written)
    await world.check(written)


@pytest.mark.timeout(600)
@settings(
    max_examples=2,
    deadline=None,
    database=None,
    suppress_health_check=SLOW,
    phases=[Phase.generate],
)
@given(
    population=st.lists(st.builds(Person, events=histories()), min_size=4, max_size=4),
    written=st.lists(timed_rules, min_size=20, max_size=20),
)
async def test_after_merges_it_is_whom_brute_force_finds_with_the_events_of_both(
    world: World, population: list[Person], written: list[dict[str, Any]]
) -> None:
    await world.settle(population)
    await world.materialise(written)
    eldest, second, third, _ = world.people
    await world.merge(eldest, second)
    await world.merge(eldest, third)
    await world.check(written)
