"""What keeps two customers apart: the last thing that stands between them, and nothing that does not."""

from dataclasses import replace

from oneid.domain.decisions import Decision, DecisionKind
from oneid.domain.explanation import Side, keeping_apart
from oneid.domain.identifiers import Identifier
from oneid.domain.rules import IdentityRules, RulesChange, SharedIdentifierPolicy, TypeChange
from tests.identity_world import World, external

CONSENT = {"consent": {"stitching": True}}
PHONE = ("phone", "13800138000")


def side(world: World, one_id: str | None) -> Side:
    current = one_id or ""
    one_ids = {name for name in world.space.customers if world.space.current(name) == current}
    about = [d for d in world.log if {d.one_id, d.other_one_id} & one_ids]
    held = frozenset(map(Identifier.from_key, world.customer(current).identifiers))
    return Side(frozenset(one_ids), held, about)


def apart(
    world: World, one: str | None, other: str | None
) -> tuple[DecisionKind, str | None, str | None] | None:
    """The same whichever of the two comes first."""
    found, back = (keeping_apart(side(world, a), side(world, b)) for a, b in ((one, other), (other, one)))
    assert found == back
    return (found.kind, found.reason, found.message_id) if found else None


def world_of(**change: object) -> World:
    return World(replace(IdentityRules(), **change))  # type: ignore[arg-type]


def changed(*types: TypeChange) -> World:
    return World(RulesChange(types=types).apply(IdentityRules()))


def test_a_demotion_stands_between_who_named_the_value_and_who_has_it() -> None:
    world = World()
    one, two = (world.send(userId=user, anonymousId="a1") for user in ("u1", "u2"))
    assert apart(world, one, two) == (DecisionKind.DEMOTED, "LIMIT", "m2")
    assert apart(world, one, world.send(userId="u9")) is None


def test_two_whom_the_same_value_was_kept_from_are_told_so() -> None:
    world = World()
    _, two, three = (world.send(userId=user, anonymousId="a1") for user in ("u1", "u2", "u3"))
    assert apart(world, two, three) == (DecisionKind.DEMOTED, "LIMIT", "m3")


def test_a_transfer_stands_between_loser_and_winner() -> None:
    world = changed(TypeChange("phone", transfer_on_verified=True))
    one = world.send(userId="u1", context=external(PHONE))
    two = world.send(userId="u2", context=external(PHONE, verified=["phone"]))
    assert apart(world, one, two) == (DecisionKind.TRANSFERRED, "VERIFIED", "m2")


def test_quarantine_does_not_hide_what_kept_two_apart() -> None:
    world = world_of(shared_identifier_policy=SharedIdentifierPolicy.QUARANTINE)
    one, two = (world.send(userId=user, anonymousId="a1") for user in ("u1", "u2"))
    alone = world.send(anonymousId="a1")
    assert apart(world, one, two) == (DecisionKind.DEMOTED, "LIMIT", "m2")
    assert apart(world, one, alone) == (DecisionKind.UNLINKED, "QUARANTINE", "m2")


def test_a_generic_value_keeps_apart_whom_it_does_not_join() -> None:
    world = changed(TypeChange("phone", generic_after=1))
    one, two, three = (world.send(userId=user, context=external(PHONE)) for user in ("u1", "u2", "u3"))
    assert apart(world, one, two) == (DecisionKind.BLOCKED, "GENERIC", "m2")
    assert apart(world, two, three) == (DecisionKind.BLOCKED, "GENERIC", "m3")


def test_a_blocked_value_that_both_named_is_a_reason_where_there_is_no_other() -> None:
    world = World()
    one, two = (world.send(userId="00000", anonymousId=cookie) for cookie in ("a1", "a2"))
    assert apart(world, one, two) == (DecisionKind.BLOCKED, "BLOCKED", "m2")
    three = world.send(anonymousId="a3", context=external(("user_id", "null")))
    assert apart(world, one, three) is None


def test_what_was_overcome_keeps_nobody_else_apart() -> None:
    world = world_of(consent_required=True)
    world.send(anonymousId="a1")
    world.send(userId="u1", anonymousId="a1")
    one = world.send(userId="u1", anonymousId="a1", context=CONSENT)
    assert apart(world, one, world.send(userId="u9")) is None


def by_hand(kind: DecisionKind, number: int, one_id: str | None, *dropped: str) -> Decision:
    kept = tuple(map(Identifier.from_key, dropped))
    return Decision(f"h{number}", number, kind, "2026", None, 1, one_id or "", dropped=kept, manual=True)


def test_an_unlinked_identifier_explains_only_where_it_went() -> None:
    world = World()
    one = world.send(userId="u1", anonymousId="a1")
    world.space.unlink(Identifier("anonymous_id", "a1"))
    number = world.space.next_sequence()
    world.log.append(by_hand(DecisionKind.UNLINKED, number, one, "anonymous_id:a1"))
    two = world.send(anonymousId="a1", context=external(PHONE))
    other = world.send(userId="u9")
    assert apart(world, one, two) == (DecisionKind.UNLINKED, None, None)
    assert apart(world, one, other) is None
    assert apart(world, two, other) is None


def test_a_split_stands_between_its_parts_and_between_nobody_else() -> None:
    world = World()
    one = world.send(userId="u1", anonymousId="a1")
    two, other = world.send(context=external(PHONE)), world.send(userId="u9")
    number, cookie = world.space.next_sequence(), Identifier("anonymous_id", "a1")
    world.space.link(cookie, world.customer(two))
    split = by_hand(DecisionKind.SPLIT, number, one, "anonymous_id:a1")
    world.log.append(replace(split, kept=(Identifier("user_id", "u1"),), other_one_id=two))
    assert apart(world, one, two) == (DecisionKind.SPLIT, None, None)
    assert apart(world, two, other) is None
    assert world.send(userId="u1", anonymousId="a1") == one
    assert apart(world, one, other) is None
