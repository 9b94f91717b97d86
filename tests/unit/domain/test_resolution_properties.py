"""Random histories against the oracle: rules off, rules on, tight caps."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from oneid.domain.evidence import Prepared, prepare
from oneid.domain.identifiers import Identifier
from oneid.domain.messages import Message
from oneid.domain.resolution import Resolver
from oneid.domain.rules import DEFAULT_TYPES, IdentityRules
from oneid.domain.workspace import Workspace
from tests.reference import LIMITS, STRENGTH, Key, Reference, components

START = datetime(2026, 1, 5, tzinfo=UTC)
UNLIMITED = IdentityRules(types=tuple(replace(rule, limit=0) for rule in DEFAULT_TYPES))

keys = st.tuples(st.sampled_from(STRENGTH), st.integers(0, 5).map(str)).map(lambda k: (k[0], f"v{k[1]}"))
events = st.tuples(st.lists(keys, min_size=1, max_size=4), st.integers(0, 60))
histories = st.lists(events, max_size=40)


def message(number: int, named: list[Key], days: int) -> Message:
    at = START + timedelta(days=days)
    external = [{"type": kind, "id": value.replace("v", phone_prefix(kind))} for kind, value in named]
    payload = {"context": {"externalIds": external}}
    return Message(f"m{number}", "track", "Seen", at, START + timedelta(days=100), None, "test", payload)


def phone_prefix(kind: str) -> str:
    return "+861380013800" if kind == "phone" else "v"


def run(rules: IdentityRules, history: list[tuple[list[Key], int]]) -> tuple[Workspace, list[str | None]]:
    numbers = iter(range(1, 10_000))
    space = Workspace(lambda: f"c{next(numbers)}")
    resolver = Resolver(space, rules)
    answers = [
        resolver.resolve(prepare(message(n, named, days), rules, "CN")).one_id
        for n, (named, days) in enumerate(history)
    ]
    return space, answers


def partition(space: Workspace) -> set[frozenset[Key]]:
    alive = [customer for customer in space.customers.values() if customer.merged_into is None]
    return {frozenset(map(as_reference, customer.identifiers)) for customer in alive}


def as_reference(key: str) -> Key:
    kind, _, value = key.partition(":")
    return kind, "v" + value.removeprefix(phone_prefix(kind))


@given(histories)
@settings(max_examples=300, deadline=None)
def test_without_limits_customers_are_the_components_of_shared_evidence(
    history: list[tuple[list[Key], int]],
) -> None:
    space, _ = run(UNLIMITED, history)
    assert partition(space) == components(named for named, _ in history)


@given(histories, st.randoms())
@settings(max_examples=200, deadline=None)
def test_without_limits_the_order_of_events_does_not_matter(
    history: list[tuple[list[Key], int]], random: object
) -> None:
    shuffled = list(history)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert partition(run(UNLIMITED, history)[0]) == partition(run(UNLIMITED, shuffled)[0])


@given(histories, st.sampled_from([1, 2, 5]), st.sampled_from([0, 1, 100]), st.sampled_from([3, 6, 1000]))
@settings(max_examples=600, deadline=None)
def test_under_rules_customers_and_attribution_are_those_of_the_reference(
    history: list[tuple[list[Key], int]], limit: int, max_merges: int, max_keys: int
) -> None:
    limits = {kind: 1 if kind == "user_id" else limit for kind in LIMITS}
    types = tuple(replace(rule, limit=limits.get(rule.type, rule.limit)) for rule in DEFAULT_TYPES)
    rules = IdentityRules(types=types, max_merges=max_merges, max_identifiers=max_keys)
    reference = Reference(limits, max_merges, max_keys)
    expected = [reference.resolve(named, START + timedelta(days=days)) for named, days in history]
    space, answers = run(rules, history)
    assert partition(space) == reference.partition()
    ours = [space.current(answer or "") for answer in answers]
    theirs = [reference.current(born) for born in expected]
    assert same_grouping(ours, theirs)


def same_grouping(ours: list[str], theirs: list[int]) -> bool:
    pairs = set(zip(ours, theirs, strict=True))
    return len(pairs) == len(set(ours)) == len(set(theirs))


@given(histories)
@settings(max_examples=200, deadline=None)
def test_every_former_one_id_redirects_without_a_cycle_to_a_customer_that_lives(
    history: list[tuple[list[Key], int]],
) -> None:
    space, answers = run(IdentityRules(), history)
    for one_id in {answer for answer in answers if answer}:
        assert space.customers[space.current(one_id)].merged_into is None
    for key, node in space.identifiers.items():
        owners = [c.one_id for c in space.customers.values() if key in c.identifiers]
        assert owners == ([node.owner] if node.owner else [])


@given(histories, st.lists(st.integers(0, 2), max_size=40))
@settings(max_examples=200, deadline=None)
def test_households_never_change_who_is_who(history: list[tuple[list[Key], int]], homes: list[int]) -> None:
    at_home: list[tuple[list[Key], int]] = [
        ([*named, *(("landline", f"+86216123456{home}") for home in homes[n : n + 1])], days)
        for n, (named, days) in enumerate(history)
    ]
    alone, together = run(IdentityRules(), history), run(IdentityRules(), at_home)
    assert partition(together[0]) == partition(alone[0])
    assert together[1] == alone[1]
    assert [case.named.households for case in map(prepared, range(len(at_home)), at_home)] == [
        tuple(Identifier(kind, value) for kind, value in named if kind == "landline") for named, _ in at_home
    ]


def prepared(number: int, event: tuple[list[Key], int]) -> Prepared:
    return prepare(message(number, *event), IdentityRules(), "CN")
