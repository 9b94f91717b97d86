"""Duplicates among made-up people."""

import sys

import pytest

from oneid.domain.matching import Agreement, Comparison, MatchField
from oneid.errors import Conflict, InvalidInput
from oneid.linkage.people import People, find_duplicates

FIRST = MatchField("firstName", Comparison.NAME)
LAST = MatchField("lastName", Comparison.NAME)
BORN = MatchField("birthday", Comparison.CODE)
TOWN = MatchField("address.city", Comparison.TEXT)
NAMES = ("anna", "bo", "chen", "dana", "emil", "fang", "gerd", "hong", "ines", "jun")


def people(*more: tuple[str | None, str | None, str | None, str | None]) -> People:
    """Ten who have nothing in common, and more."""
    rows = [
        *((name, f"{name}sson", f"19{60 + n}0{n}1{n}", f"{name}town") for n, name in enumerate(NAMES)),
        *more,
    ]
    columns = [list(column) for column in zip(*rows, strict=True)]
    return People(
        [f"c{n:02}" for n in range(len(rows))], dict(zip((FIRST, LAST, BORN, TOWN), columns, strict=True))
    )


@pytest.mark.parametrize(
    ("birthday", "town", "agreements"),
    [
        ("19840511", "basel", [Agreement.EXACT, Agreement.EXACT, Agreement.CLOSE, Agreement.EXACT]),
        ("19840517", None, [Agreement.EXACT, Agreement.EXACT, Agreement.EXACT, Agreement.MISSING]),
    ],
)
def test_one_person_who_is_there_twice_is_found_with_what_speaks_for_it(
    birthday: str, town: str | None, agreements: list[Agreement]
) -> None:
    one, other = ("wei", "lindqvist", "19840517", "basel"), ("wei", "lindqvist", birthday, town)
    (match,) = find_duplicates(people(one, other), 0.95)
    assert (match.a, match.b) == ("c10", "c11")
    assert [e.attribute for e in match.evidence] == ["firstName", "lastName", "birthday", "address.city"]
    assert [e.agreement for e in match.evidence] == agreements
    assert [e.weight > 0 for e in match.evidence] == [
        e.agreement is not Agreement.MISSING for e in match.evidence
    ]
    assert match.weight > 0


def test_people_who_have_nothing_in_common_are_not_compared() -> None:
    assert find_duplicates(people(), 0.5) == []


def test_fields_that_tell_nobody_apart_are_left_out_and_two_are_needed() -> None:
    alike = People(["a", "b"], {FIRST: ["wei", "wei"], LAST: ["li", "wu"], TOWN: [None, None]})
    with pytest.raises(InvalidInput, match="fewer than two"):
        find_duplicates(alike, 0.95)


def test_without_splink_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "splink", None)
    with pytest.raises(Conflict, match=r"oneid-cdp\[proposals\]"):
        find_duplicates(people(), 0.95)
