"""What the log says of one message: whom each entry is about, once each, and in whose history it is found."""

from dataclasses import replace

from oneid.domain.decisions import Decision, DecisionKind
from oneid.domain.regrouping import Regrouping
from oneid.domain.rules import IdentityRules, RulesChange, SharedIdentifierPolicy, TypeChange
from oneid.domain.separation import separate
from tests.identity_world import World, device, external

PHONE = ("phone", "13800138000")
P1 = "phone:+8613800138000"


def told(decision: Decision) -> tuple[DecisionKind, str, list[str], list[str], str | None]:
    kept, dropped = ([i.key for i in of] for of in (decision.kept, decision.dropped))
    return (decision.kind, decision.one_id, kept, dropped, decision.other_one_id)


def proving() -> World:
    return World(RulesChange(types=(TypeChange("phone", transfer_on_verified=True),)).apply(IdentityRules()))


def under(policy: SharedIdentifierPolicy) -> World:
    return World(RulesChange(shared_identifier_policy=policy).apply(IdentityRules()))


def test_a_transfer_that_is_the_only_change_is_the_only_entry_and_says_whom_the_phone_joins() -> None:
    world = proving()
    first = world.send(userId="u1", context=external(PHONE)) or ""
    second = world.send(userId="u2") or ""
    assert world.send(userId="u2", context=external(PHONE, verified=["phone"])) == second
    assert [told(d) for d in world.decisions] == [
        (DecisionKind.TRANSFERRED, second, ["user_id:u2", P1], [], first)
    ]


def test_a_transfer_beside_another_change_names_what_moved() -> None:
    world = proving()
    first = world.send(userId="u1", context=external(PHONE)) or ""
    second = world.send(userId="u2", context=external(PHONE, verified=["phone"])) or ""
    assert [told(d) for d in world.decisions] == [
        (DecisionKind.CREATED, second, ["user_id:u2", P1], [], None),
        (DecisionKind.TRANSFERRED, second, [P1], [], first),
    ]
    world.send(userId="u1", anonymousId="a1", context=external(PHONE, verified=["phone"]))
    assert [told(d) for d in world.decisions] == [
        (DecisionKind.ADDED, first, ["user_id:u1", P1, "anonymous_id:a1"], [], None),
        (DecisionKind.TRANSFERRED, first, [P1], [], second),
    ]
    anonymous = world.send(anonymousId="a2")
    world.send(userId="u2", anonymousId="a2", context=external(PHONE, verified=["phone"]))
    assert [d.kind for d in world.decisions] == [DecisionKind.MERGED, DecisionKind.TRANSFERRED]
    assert anonymous in world.decisions[0].merged_one_ids


def test_nothing_moves_between_customers_who_become_one_anyhow() -> None:
    change = RulesChange(
        types=(TypeChange("phone", transfer_on_verified=True), TypeChange("user_id", limit=0))
    )
    world = World(change.apply(IdentityRules()))
    world.send(userId="u1", anonymousId="a1", context=external(PHONE))
    world.send(userId="u2", anonymousId="a1", context=external(PHONE, verified=["phone"]))
    assert world.kinds() == [DecisionKind.ADDED]
    world.send(userId="u3")
    world.send(userId="u3", anonymousId="a1", context=external(PHONE, verified=["phone"]))
    assert world.kinds() == [DecisionKind.MERGED]


def test_what_a_login_takes_along_says_from_whom() -> None:
    world = under(SharedIdentifierPolicy.LAST_LOGIN)
    first = world.send(userId="u1", context=device("tablet")) or ""
    second = world.send(userId="u2", context=device("tablet")) or ""
    (moved,) = [d for d in world.decisions if d.kind is DecisionKind.TRANSFERRED]
    assert (moved.one_id, moved.other_one_id) == (second, first)


def test_what_is_put_into_quarantine_is_told_of_the_customer_who_loses_it() -> None:
    world = under(SharedIdentifierPolicy.QUARANTINE)
    first = world.send(userId="u1", context=device("tablet")) or ""
    world.send(userId="u2", context=device("tablet"))
    assert told(world.decisions[-1]) == (DecisionKind.UNLINKED, first, [], ["device_id:tablet"], None)


def test_neither_policy_reaches_across_a_sticky_split() -> None:
    for policy in (SharedIdentifierPolicy.LAST_LOGIN, SharedIdentifierPolicy.QUARANTINE):
        world = under(policy)
        one = world.send(userId="u1", anonymousId="a1")
        parts = Regrouping(world.space, (), "2026").split(world.customer(one), frozenset({"anonymous_id:a1"}))
        separate(world.space, "s", [part.identifiers for part in parts])
        assert world.send(userId="u1", anonymousId="a1") == one
        assert world.kinds() == [DecisionKind.DEMOTED]
        assert world.owner("anonymous_id:a1") == parts[1].one_id
        assert world.send(userId="u1", type="identify", traits={"email": "x@y.cn"}) == one
        assert world.owner("email:x@y.cn") == one


def test_evidence_that_changes_nothing_has_the_content_of_what_was_told_before() -> None:
    world = World()
    world.send(userId="u1", anonymousId="a1")
    world.send(userId="u2", anonymousId="a1")
    (demoted,) = [d for d in world.decisions if d.kind is DecisionKind.DEMOTED]
    world.send(userId="u2", anonymousId="a1")
    (again,) = world.decisions
    assert demoted.id == "m2#0"
    assert again.id == again.content == demoted.content


def test_what_was_known_of_an_identifier_does_not_outlive_its_being_unlinked() -> None:
    world = World()
    world.send(userId="u1", context=external(PHONE, verified=["phone"]))
    node = world.space.identifiers[P1]
    before = node.first_seen_at
    assert (node.verified, node.source) == (True, "web")
    world.space.unlink(node.identifier)
    assert (node.verified, node.source, node.first_seen_at, node.last_seen_at) == (False, None, "", "")
    world.send(userId="u2", context=external(PHONE))
    assert (node.verified, node.source) == (False, "web")
    assert node.first_seen_at == node.last_seen_at > before


def test_direct_writes_are_marked_whatever_their_message_is_called() -> None:
    world = World()
    world.send(userId="u1", anonymousId="a1")
    assert [d.direct for d in world.decisions] == [False]
    world.send(type="upsert", userId="u2", anonymousId="a2")
    assert [d.direct for d in world.decisions] == [True]


def test_what_was_left_out_is_told_with_what_the_customer_has_of_the_event() -> None:
    world = World()
    world.send(userId="u1", context=external(PHONE))
    second = world.send(userId="u2", anonymousId="guest", context=external(PHONE)) or ""
    created, demoted, blocked = sorted(map(told, world.decisions), key=lambda entry: entry[0] != "CREATED")
    assert created[2] == ["user_id:u2"]
    assert demoted == (DecisionKind.DEMOTED, second, ["user_id:u2"], [P1], None)
    assert blocked == (DecisionKind.BLOCKED, second, ["user_id:u2"], ["anonymous_id:guest"], None)


def test_what_a_cap_left_out_is_kept_by_no_entry_of_the_event() -> None:
    world = World(replace(IdentityRules(), max_identifiers=1))
    world.send(userId="u1", anonymousId="guest", context=external(PHONE))
    entries = {decision.kind: told(decision)[2] for decision in world.decisions}
    assert entries == {kind: ["user_id:u1"] for kind in ("CAPPED", "CREATED", "BLOCKED")}
