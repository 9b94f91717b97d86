"""Changes of the rules: what blocks what, and how types are named."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from oneid.domain.rule_checks import check_change
from oneid.domain.rules import BlockedValue, IdentityRules, RulesChange, TypeChange
from oneid.errors import InvalidInput
from tests.identity_world import START, World

GUEST = BlockedValue(exact="guest")


def blocking(*patterns: str) -> IdentityRules:
    change = RulesChange(block=tuple(BlockedValue(regex=pattern) for pattern in patterns))
    check_change(change)
    return change.apply(IdentityRules())


def test_each_pattern_keeps_its_flags_its_names_and_its_groups_to_itself() -> None:
    rules = blocking("(?i)^test", r"^(?P<first>.)\1+$", r"(?P<first>a)z", r"^(x)y\1$")
    blocked = [value for value in ("TEST-1", "9999", "az", "xyx", "00") if rules.blocks("user_id", value)]
    assert blocked == ["TEST-1", "9999", "az", "xyx", "00"]
    assert not any(rules.blocks("user_id", value) for value in ("9998", "xyy", "AZ"))


@pytest.mark.parametrize("pattern", ["(", "a(?i)b", "a{99999999999}", "x" * 501])
def test_a_pattern_that_cannot_be_used_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_change(RulesChange(block=(BlockedValue(regex=pattern),)))
    assert refused.value.field == ("block", "0", "regex")


def test_a_value_blocked_for_every_type_can_count_for_one() -> None:
    change = RulesChange(types=(TypeChange("loyalty"),), unblock=(replace(GUEST, type="loyalty"),))
    rules = change.apply(IdentityRules())
    assert not rules.blocks("loyalty", "guest")
    assert rules.blocks("user_id", "guest")
    assert [b for b in rules.blocked if b.exact == "guest"] == [replace(GUEST, but=("loyalty",))]
    for again in (replace(GUEST, type="loyalty"), GUEST):
        assert RulesChange(block=(again,)).apply(rules).blocks("loyalty", "guest")
    lifted = RulesChange(unblock=(GUEST,)).apply(rules)
    assert not lifted.blocks("user_id", "guest")


def test_exceptions_add_up_and_end_with_the_defaults() -> None:
    rules = IdentityRules()
    for kind in ("phone", "email"):
        rules = RulesChange(unblock=(replace(GUEST, type=kind),)).apply(rules)
    assert [b.but for b in rules.blocked if b.but] == [("email", "phone")]
    assert RulesChange(reset=True).apply(rules).blocked == IdentityRules().blocked


def test_a_pattern_can_be_lifted_for_one_type() -> None:
    zeros = BlockedValue("member_card", regex="^[0-]*$")
    rules = RulesChange(unblock=(zeros,)).apply(IdentityRules())
    assert not rules.blocks("member_card", "000")
    assert rules.blocks("phone", "000")
    assert rules.blocks("member_card", "")


@pytest.mark.parametrize("name", ["loyaltyId", "crm-id", "ios.idfa", "CRM", "2nd_card", "x" * 64])
def test_types_are_named_by_letters_digits_underscores_hyphens_and_dots(name: str) -> None:
    check_change(RulesChange(types=(TypeChange(name, generic_anchor=name),)))


@pytest.mark.parametrize("name", ["", "a:b", "a b", "-a", ".a", "_a", "é", "x" * 65, "a\n"])
def test_other_names_of_types_are_refused(name: str) -> None:
    for change, path in (
        (TypeChange(name), "type"),
        (TypeChange("ok", generic_anchor=name), "genericAnchor"),
    ):
        with pytest.raises(InvalidInput) as refused:
            check_change(RulesChange(types=(change,)))
        assert refused.value.field == ("types", "0", path)


def test_a_window_reaches_back_to_the_first_year_at_most() -> None:
    world = World()
    first, *_ = [world.send(userId="u1", anonymousId=f"a{number}") for number in range(5)]
    assert world.send(datetime(1, 1, 2, tzinfo=UTC) - START, userId="u1", anonymousId="a9") == first
    assert world.owner("anonymous_id:a9") is None
