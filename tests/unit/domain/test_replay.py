"""Events and acts told again under other rules, in memory."""

from collections.abc import Iterable
from dataclasses import replace

from oneid.domain.decisions import Decision, DecisionKind
from oneid.domain.identifiers import Identifier
from oneid.domain.messages import StoredEvent
from oneid.domain.regrouping import Regrouping
from oneid.domain.replay import Replay
from oneid.domain.rules import BlockedValue, IdentityRules, RulesChange, TypeChange
from oneid.services.rebuilding import in_order, is_act
from oneid.services.stewardship import Split, divided, merged
from tests.identity_world import World, external

BLOCKED = RulesChange(block=(BlockedValue("email", exact="x@y.cn"),)).apply(IdentityRules())
AT = "2026-02-01T00:00:00.000Z"


def parts(
    rules: IdentityRules,
    events: Iterable[StoredEvent] = (),
    acts: Iterable[Decision] = (),
    only: frozenset[str] | None = None,
) -> set[frozenset[str]]:
    replay = Replay(rules, "CN", only=only)
    for step in in_order(events, acts):
        if isinstance(step, Decision):
            replay.act(step)
        else:
            replay.event(step)
    return {frozenset(group.identifiers) for group in replay.groups().values()}


def ids(*keys: str) -> tuple[Identifier, ...]:
    return tuple(map(Identifier.from_key, keys))


def merge(world: World, into: str | None, other: str | None) -> Decision:
    number = world.space.next_sequence()
    act = Decision("merge", number, DecisionKind.MERGED, AT, None, 1, "", manual=True)
    return merged(world.space, act, into or "", [other or ""])


def split(world: World, customer: str | None, key: str) -> Decision:
    number = world.space.next_sequence()
    act = Decision("split", number, DecisionKind.SPLIT, AT, None, 1, "", manual=True)
    asked = Split(customer or "", ids(key))
    return divided(world.space, act, asked, Regrouping(world.space, (), AT), [])


def joined_by_an_email() -> tuple[World, Decision]:
    world = World()
    world.send(anonymousId="a1", context=external(("email", "x@y.cn")))
    one, two = world.send(userId="u1", anonymousId="a1"), world.send(userId="u2")
    return world, merge(world, one, two)


def test_an_operators_merge_outlives_the_identifier_that_was_oldest_then() -> None:
    world, act = joined_by_an_email()
    people = {frozenset({"anonymous_id:a1", "user_id:u1", "user_id:u2"})}
    assert parts(BLOCKED, world.events, [act]) == people
    assert parts(world.rules, world.events, [act], only=frozenset().union(*people)) == people
    assert [[i.key for i in side] for side in act.sides] == [
        ["email:x@y.cn", "anonymous_id:a1", "user_id:u1"],
        ["user_id:u2"],
    ]
    assert [i.key for i in act.kept] == ["email:x@y.cn", "user_id:u2"]


def test_a_merge_recorded_without_its_sides_joins_what_it_names() -> None:
    world, act = joined_by_an_email()
    old = replace(act, sides=())
    assert parts(world.rules, world.events, [old]) == world.parts()


def direct(number: int, *keys: str) -> Decision:
    kept = ids(*keys)
    return Decision(
        f"d{number}", number, DecisionKind.CREATED, AT, f"upsert-{number}", 1, "x", kept=kept, direct=True
    )


def test_a_direct_write_is_told_again_under_todays_filter() -> None:
    acts = [
        direct(1, "member_card:c1", "email:x@y.cn", "gone:g1"),
        direct(2, "member_card:c2", "email:x@y.cn", "gone:g1"),
    ]
    assert parts(BLOCKED, acts=acts) == {frozenset({"member_card:c1"}), frozenset({"member_card:c2"})}
    group = RulesChange(types=(TypeChange("email", joins_people=False),)).apply(IdentityRules())
    assert parts(group, acts=acts) == {frozenset({"member_card:c1"}), frozenset({"member_card:c2"})}
    assert len(parts(IdentityRules(), acts=acts)) == 1


def test_an_event_whose_messageid_looks_like_a_direct_write_is_told_once() -> None:
    event = Decision("e#0", 1, DecisionKind.CREATED, AT, "upsert-1", 1, "x", kept=ids("user_id:u1"))
    assert not is_act(event)
    assert is_act(direct(1, "user_id:u1"))


def test_a_rebuild_minds_an_alias_of_what_is_not_the_customers_any_more() -> None:
    world = World(replace(IdentityRules(), alias_merges=True))
    one = world.send(userId="u1")
    world.send(type="alias", userId="u1", previousId="a9")
    world.space.unlink(Identifier("anonymous_id", "a9"))
    only = frozenset(world.customer(one).identifiers)
    assert parts(world.rules, world.events, only=only) == {frozenset({"user_id:u1"})}


def test_events_of_whom_is_merged_in_after_a_split_are_not_shared_out() -> None:
    world = World()
    phone = external(("phone", "13800138000"))
    one = world.send(userId="u1", context=phone)
    two = world.send(userId="u2", context=phone)
    taken = split(world, one, "phone:+8613800138000")
    back = merge(world, one, two)
    replay = Replay(world.rules, "CN")
    names = [replay.event(event).one_id or "" for event in world.events]
    for act in (taken, back):
        replay.act(act)
    homes = [
        replay.home(name, event.identifiers, event.sequence)
        for name, event in zip(names, world.events, strict=True)
    ]
    assert homes == [names[0]] * 2
