"""Attributes: the newest value wins, and how long it has been what it is is known."""

from dataclasses import replace
from datetime import UTC, datetime

from oneid.domain.attributes import Attributes, forgotten, from_stored, merge, put, to_stored, told_by
from oneid.domain.customers import AttributeValue, DataParty
from oneid.domain.messages import Message
from oneid.domain.redaction import Redactor
from oneid.domain.rules import IdentityRules


def day(number: int) -> str:
    return f"2026-03-{number:02}T00:00:00.000Z"


def at(number: int, value: object = "gold") -> AttributeValue:
    return AttributeValue(value, day(number), "test", sequence=number)


def after(*values: AttributeValue) -> AttributeValue:
    attributes = Attributes()
    for value in values:
        put(attributes, "tier", value)
    return attributes["tier"]


def test_a_value_that_is_written_again_has_been_so_since_the_first_time() -> None:
    told = after(at(1), at(2), at(5))
    assert (told.updated_at, told.unchanged_since) == (day(5), day(1))


def test_another_value_is_so_since_it_was_written() -> None:
    assert after(at(1), at(2), at(3, "silver")).unchanged_since == day(3)
    assert after(at(1), at(3, "silver"), at(4)).unchanged_since == day(4)


def test_a_value_that_comes_late_changes_nothing() -> None:
    assert after(at(3), at(1, "silver")).unchanged_since == day(3)


def test_of_a_merge_equal_values_have_been_so_since_the_earlier_one() -> None:
    one, other = {"tier": after(at(2), at(6))}, {"tier": after(at(1), at(4))}
    told = dict(one)
    merge(told, other)
    merge(other, one)
    assert [two["tier"].unchanged_since for two in (told, other)] == [day(1), day(1)]


def test_what_is_stored_reads_back() -> None:
    attributes = {"tier": after(at(1), at(2)), "city": at(3, None)}
    assert [one.unchanged_since for one in from_stored(to_stored(attributes)).values()] == [day(1), day(3)]


def test_attributes_forget_somebody_erased_but_not_what_was_written_later() -> None:
    keys = {"email:anna@example.cn", "phone:+8613800138000"}
    held = {
        "email": AttributeValue(" Anna@Example.CN", day(1), "till", sequence=5, identifier="user_id:bo"),
        "friends": AttributeValue(["13800138000", "bo"], day(1), "till", sequence=5, since=day(1)),
        "city": AttributeValue("Xi'an", day(1), "till", sequence=5, identifier="phone:+8613800138000"),
        "mail": AttributeValue(
            "anna@example.cn", day(1), "till", sequence=6, identifier="email:anna@example.cn"
        ),
    }

    left = forgotten(held, keys, Redactor(keys, IdentityRules(), "CN"), until=5)

    assert left == {
        "email": replace(held["email"], value=None),
        "friends": replace(held["friends"], value=["bo"]),
        "city": replace(held["city"], identifier=None),
        "mail": held["mail"],
    }
    assert forgotten(left, keys, Redactor(keys, IdentityRules(), "CN"), until=5) == left


def test_a_message_says_who_collected_its_traits_and_else_it_was_the_brand() -> None:
    def party(**context: object) -> DataParty:
        return told_by(said(dict(context)), "gold", day(1), 7, "user_id:u1").party

    assert party() is DataParty.FIRST
    assert party(party="SECOND") is DataParty.SECOND
    assert party(party="THIRD") is DataParty.THIRD
    # From before parties were checked.
    assert party(party=["THIRD"]) is DataParty.FIRST


def said(context: dict[str, object]) -> Message:
    when = datetime(2026, 3, 1, tzinfo=UTC)
    return Message("m1", "identify", "identify", when, when, None, "crm", {"context": context})
