"""What each rule of identity resolution does, one behaviour a test, on a workspace without a server."""

from dataclasses import replace
from datetime import timedelta

import pytest

from oneid.domain.decisions import Decision, DecisionKind
from oneid.domain.rules import (
    BlockedValue,
    IdentityRules,
    RulesChange,
    SharedIdentifierPolicy,
    TypeChange,
)
from tests.identity_world import World, device, external


def with_policy(policy: SharedIdentifierPolicy) -> IdentityRules:
    return replace(IdentityRules(), shared_identifier_policy=policy)


def test_a_demoted_device_stays_with_its_first_owner() -> None:
    world = World()
    first = world.send(userId="u1", context=device("tablet"))
    second = world.send(userId="u2", context=device("tablet"))
    assert first != second
    assert world.owner("device_id:tablet") == first
    assert world.kinds() == [DecisionKind.DEMOTED, DecisionKind.CREATED]


def test_with_last_login_a_demoted_device_follows_the_latest_user() -> None:
    world = World(with_policy(SharedIdentifierPolicy.LAST_LOGIN))
    world.send(userId="u1", context=device("tablet"))
    second = world.send(userId="u2", context=device("tablet"))
    assert world.owner("device_id:tablet") == second
    assert world.send(context=device("tablet")) == second


def test_the_move_to_the_last_login_names_the_login() -> None:
    world = World(with_policy(SharedIdentifierPolicy.LAST_LOGIN))
    world.send(userId="u1", context=device("tablet"))
    world.send(userId="u2", context=device("tablet"))
    (moved,) = [d for d in world.decisions if d.kind is DecisionKind.TRANSFERRED]
    assert [identifier.key for identifier in moved.kept] == ["user_id:u2", "device_id:tablet"]


def test_with_last_login_a_demoted_email_stays_where_it_is() -> None:
    world = World(with_policy(SharedIdentifierPolicy.LAST_LOGIN))
    first = world.send(userId="u1", type="identify", traits={"email": "j@x.cn"})
    world.send(userId="u2", type="identify", traits={"email": "j@x.cn"})
    assert world.owner("email:j@x.cn") == first


def test_a_quarantined_device_links_nobody_and_alone_stands_for_one_customer_of_its_own() -> None:
    world = World(with_policy(SharedIdentifierPolicy.QUARANTINE))
    first = world.send(userId="u1", context=device("tablet"))
    second = world.send(userId="u2", context=device("tablet"))
    alone = world.send(context=device("tablet"))
    assert len({first, second, alone}) == 3
    assert world.send(context=device("tablet")) == alone
    assert world.send(userId="u3", context=device("tablet")) not in {first, second, alone}
    assert world.send(context=device("tablet")) == alone


def test_a_device_that_its_policy_took_leaves_a_customer_with_its_history() -> None:
    world = World(with_policy(SharedIdentifierPolicy.LAST_LOGIN))
    first = world.send(userId="u1", context=device("tablet"))
    world.send(userId="u2", context=device("tablet"))
    assert world.customer(first).identifiers == {"user_id:u1"}


def test_an_alias_merges_nothing_by_default() -> None:
    world = World()
    anonymous = world.send(anonymousId="a1")
    known = world.send(type="alias", userId="u1", previousId="a1")
    assert anonymous != known
    assert world.owner("anonymous_id:a1") == anonymous


def test_an_alias_joins_its_previous_anonymous_id_where_aliases_merge() -> None:
    world = World(replace(IdentityRules(), alias_merges=True))
    anonymous = world.send(anonymousId="a1")
    assert world.send(type="alias", userId="u1", previousId="a1") == anonymous


def test_an_unknown_previous_id_counts_as_anonymous() -> None:
    world = World(replace(IdentityRules(), alias_merges=True))
    known = world.send(type="alias", userId="u1", previousId="new")
    assert world.owner("anonymous_id:new") == known


def test_an_alias_between_two_known_users_is_refused_and_audited() -> None:
    world = World(replace(IdentityRules(), alias_merges=True))
    one, two = world.send(userId="u1"), world.send(userId="u2")
    assert world.send(type="alias", userId="u2", previousId="u1") == two
    assert one != two
    assert world.kinds() == [DecisionKind.REFUSED]


def test_without_consent_only_the_strongest_identifier_counts() -> None:
    world = World(replace(IdentityRules(), consent_required=True))
    browser = world.send(anonymousId="a1")
    login = world.send(userId="u1", anonymousId="a1")
    assert browser != login
    assert world.decisions[0].kind is DecisionKind.DEMOTED
    assert world.decisions[0].reason == "CONSENT"


def test_late_consent_links_what_was_apart() -> None:
    world = World(replace(IdentityRules(), consent_required=True))
    browser = world.send(anonymousId="a1")
    world.send(userId="u1", anonymousId="a1")
    merged = world.send(userId="u1", anonymousId="a1", context={"consent": {"stitching": True}})
    assert merged == browser
    assert world.kinds() == [DecisionKind.MERGED]


def transferring() -> IdentityRules:
    return RulesChange(types=(TypeChange("phone", transfer_on_verified=True),)).apply(IdentityRules())


def test_a_proven_phone_moves_to_the_user_who_proved_it() -> None:
    world = World(transferring())
    world.send(userId="u1", context=external(("phone", "13800138000")))
    second = world.send(userId="u2", context=external(("phone", "13800138000"), verified=["phone"]))
    assert world.owner("phone:+8613800138000") == second
    assert DecisionKind.TRANSFERRED in world.kinds()


def test_a_phone_that_nobody_proved_stays_with_its_owner() -> None:
    world = World(transferring())
    first = world.send(userId="u1", context=external(("phone", "13800138000")))
    world.send(userId="u2", context=external(("phone", "13800138000")))
    assert world.owner("phone:+8613800138000") == first


def test_a_proven_phone_of_somebody_without_a_user_id_merges() -> None:
    world = World(transferring())
    first = world.send(anonymousId="a1", context=external(("phone", "13800138000")))
    merged = world.send(userId="u2", context=external(("phone", "13800138000"), verified=["phone"]))
    assert merged == first


def test_anonymous_ids_outside_their_window_do_not_count_against_the_limit() -> None:
    world = World()
    for number in range(5):
        world.send(timedelta(days=0), userId="u1", anonymousId=f"a{number}")
    first = world.send(timedelta(days=6), userId="u1", anonymousId="a6")
    assert world.owner("anonymous_id:a6") is None
    assert world.send(timedelta(days=8), userId="u1", anonymousId="a7") == first
    assert world.owner("anonymous_id:a7") == first


def test_an_event_of_one_type_over_its_limit_keeps_its_first_value() -> None:
    world = World()
    one = world.send(userId="u1", context=external(("user_id", "u2")))
    assert world.customer(one).identifiers == {"user_id:u1"}


def test_a_merge_over_the_cap_does_not_happen_and_the_strongest_owner_gets_the_event() -> None:
    world = World(replace(IdentityRules(), max_merges=0))
    known, anonymous = world.send(userId="u1"), world.send(anonymousId="a1")
    assert world.send(userId="u1", anonymousId="a1", context=device("d1")) == known
    assert world.owner("anonymous_id:a1") == anonymous
    assert world.owner("device_id:d1") == known
    assert world.kinds() == [DecisionKind.CAPPED, DecisionKind.ADDED]


@pytest.mark.parametrize("value", ["", "0", "000-000", "null", "guest", "[object Object]", " None "])
def test_a_blocked_value_is_no_identifier(value: str) -> None:
    world = World()
    assert world.send(userId=value) is None
    assert world.kinds() == [DecisionKind.BLOCKED]
    assert world.space.customers == {}


def test_each_event_that_is_nobodys_has_an_entry_of_its_own() -> None:
    world = World()
    entries = list[Decision]()
    for _ in range(2):
        assert world.send(userId="null") is None
        entries += world.decisions
    assert [entry.id for entry in entries] == ["m1#0", "m2#0"]


def test_a_phone_that_is_blocked_or_impossible_is_dropped_with_its_reason() -> None:
    world = World()
    world.send(anonymousId="a1", context=external(("phone", "00000000000"), ("phone", "12")))
    reasons = {d.reason for d in world.decisions if d.kind is DecisionKind.BLOCKED}
    assert reasons == {"BLOCKED", "IMPOSSIBLE_PHONE"}


def test_an_undeclared_type_is_dropped_until_it_is_declared() -> None:
    world = World()
    assert world.send(context=external(("loyalty", "L1"))) is None
    world.rules = RulesChange(types=(TypeChange("loyalty"),)).apply(world.rules)
    assert world.send(context=external(("loyalty", "L1"))) is not None


def test_a_value_can_be_blocked_for_one_type_alone() -> None:
    world = World(RulesChange(block=(BlockedValue("device_id", exact="kiosk"),)).apply(IdentityRules()))
    assert world.send(context=device("kiosk")) is None
    assert world.send(userId="kiosk") is not None


def test_an_event_that_changes_nothing_leaves_no_decision() -> None:
    world = World()
    world.send(userId="u1", anonymousId="a1")
    world.send(userId="u1", anonymousId="a1")
    assert world.decisions == []


def test_the_same_demotion_is_evidence_once() -> None:
    world = World()
    world.send(userId="u1", context=device("tablet"))
    world.send(userId="u2", context=device("tablet"))
    world.send(userId="u2", context=device("tablet"))
    (again,) = world.decisions
    world.send(userId="u2", context=device("tablet"))
    assert [decision.id for decision in world.decisions] == [again.id]


def test_a_late_older_value_does_not_overwrite_a_newer_attribute() -> None:
    world = World()
    one = world.send(timedelta(days=2), type="identify", userId="u1", traits={"city": "Shanghai"})
    world.send(timedelta(days=1), type="identify", userId="u1", traits={"city": "Beijing", "age": 30})
    values = {key: held.value for key, held in world.customer(one).attributes.items()}
    assert values == {"city": "Shanghai", "age": 30}


def test_across_a_merge_the_newest_value_of_each_attribute_wins() -> None:
    world = World()
    traits = {"city": "Shanghai", "tier": "gold"}
    one = world.send(timedelta(days=1), type="identify", anonymousId="a1", traits=traits)
    world.send(timedelta(days=2), type="identify", userId="u1", traits={"city": "Beijing"})
    assert world.send(timedelta(days=3), userId="u1", anonymousId="a1") == one
    values = {key: held.value for key, held in world.customer(one).attributes.items()}
    assert values == {"city": "Beijing", "tier": "gold"}


def test_a_group_names_nobody_by_its_traits_or_its_id() -> None:
    world = World()
    one = world.send(type="group", userId="u1", groupId="g1", traits={"email": "office@x.cn"})
    assert world.customer(one).identifiers == {"user_id:u1"}


def test_an_advertising_id_counts_only_while_tracking_is_allowed() -> None:
    world = World()
    given = {"device": {"advertisingId": "IDFA1", "adTrackingEnabled": False}}
    assert world.send(context=given) is None
    assert world.send(context={"device": {"advertisingId": "IDFA1"}}) is not None


def test_an_alias_is_found_by_both_readings_of_whom_it_names_whether_they_count_or_not() -> None:
    for merges in (False, True):
        world = World(replace(IdentityRules(), alias_merges=merges))
        world.send(type="alias", userId="u1", previousId=" a1 ")
        assert world.events[0].identifiers == ("user_id:u1", "anonymous_id:a1", "user_id:a1")
    world.send(userId="u1", anonymousId="a1")
    assert world.events[1].identifiers == ("user_id:u1", "anonymous_id:a1")
