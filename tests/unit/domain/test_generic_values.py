"""Values that too many share, counted on a workspace without a server."""

from oneid.domain.decisions import DecisionKind
from oneid.domain.rules import IdentityRules, RulesChange, TypeChange
from tests.identity_world import World, external

PHONE = ("phone", "13800138000")
KEY = "phone:+8613800138000"


def generic_after(count: int) -> IdentityRules:
    return RulesChange(types=(TypeChange("phone", generic_after=count),)).apply(IdentityRules())


def test_a_value_that_becomes_generic_is_taken_from_its_owner_before_the_event_is_resolved() -> None:
    world = World(generic_after(1))
    first = world.send(userId="u1", context=external(PHONE))
    exposed = world.expose(userId="u2", context=external(PHONE))
    assert [(d.kind, d.one_id, d.reason) for d in exposed] == [(DecisionKind.UNLINKED, first, "GENERIC")]
    assert [identifier.key for identifier in exposed[0].dropped] == [KEY]
    assert world.customer(first).rebuild
    assert world.owner(KEY) is None
    assert world.owner("user_id:u2") is None


def test_what_nobody_owns_becomes_generic_without_anybody_to_rebuild() -> None:
    world = World(generic_after(1))
    assert world.expose(userId="u1", context=external(PHONE)) == []
    assert world.expose(userId="u2", context=external(PHONE)) == []
    assert world.send(context=external(PHONE)) is None


def test_the_entries_of_both_steps_have_ids_of_their_own() -> None:
    world = World(generic_after(1))
    world.send(userId="u1", context=external(PHONE))
    world.send(userId="u2", context=external(PHONE))
    assert [(d.id, d.kind) for d in world.decisions] == [
        ("m2#generic-0", DecisionKind.UNLINKED),
        ("m2#0", DecisionKind.CREATED),
        ("m2#1", DecisionKind.BLOCKED),
    ]
