"""What declared attributes may hold."""

from typing import Any

import pytest

from oneid.domain.catalog import AttributeDefinition, AttributeType, Catalog
from oneid.errors import InvalidInput

FITTING: dict[str, list[Any]] = {
    "STRING": ["", "上海", "x" * 2000],
    "NUMBER": [0, -1.5, 2**60, 1e300],
    "BOOLEAN": [True, False],
    "DATE": ["2026-03-01", "2026-03-01T08:00:00Z", "1990-12-31T23:59:59.123+08:00"],
    "ENUM": ["dry", "oily"],
    "LIST": [[], ["a", "b"]],
    "GEO": [{"lat": 31.2, "lon": 121.5}, {"lat": -90, "lon": 180}],
}
MISFITS: dict[str, list[Any]] = {
    "STRING": [1, True, ["a"], {"a": 1}, "x" * 2001],
    "NUMBER": ["1", True, [1], float("inf"), float("nan")],
    "BOOLEAN": [0, 1, "true"],
    "DATE": ["yesterday", "20260301", "2026-02-30", "2026-03-01T25:00:00Z", 1_772_352_000, "2026-W01-1"],
    "ENUM": ["Dry", "", 1, ["dry"]],
    "LIST": ["a", [1], [["a"]], ["x" * 2001], {"a": "b"}],
    "GEO": [
        {"lat": 91, "lon": 0},
        {"lat": 1},
        [1, 2],
        {"lat": "1", "lon": 2},
        {"lat": 1, "lon": 2, "alt": 3},
    ],
}


def declared(kind: str) -> AttributeDefinition:
    return AttributeDefinition("it", AttributeType(kind), ("dry", "oily") if kind == "ENUM" else ())


@pytest.mark.parametrize("kind", AttributeType)
def test_what_is_of_the_type_fits(kind: str) -> None:
    assert [declared(kind).misfit(value) for value in FITTING[kind]] == [None] * len(FITTING[kind])


@pytest.mark.parametrize("kind", AttributeType)
def test_what_is_of_another_type_does_not_fit(kind: str) -> None:
    assert [value for value in MISFITS[kind] if declared(kind).misfit(value) is None] == []


@pytest.mark.parametrize("kind", AttributeType)
def test_no_value_fits_every_type(kind: str) -> None:
    assert declared(kind).misfit(None) is None


@pytest.mark.parametrize("key", ["", "_" * 65, "a.b", "a b", "-a", "a\n", "$a"])
def test_a_name_that_could_not_be_a_field_is_refused(key: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        AttributeDefinition(key, AttributeType.STRING).check()
    assert refused.value.field == ("key",)


@pytest.mark.parametrize(
    ("kind", "values"), [("ENUM", ()), ("STRING", ("a",)), ("ENUM", ("",)), ("ENUM", ("a" * 2001,))]
)
def test_values_belong_to_an_enum_and_to_nothing_else(kind: str, values: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as refused:
        AttributeDefinition("it", AttributeType(kind), values).check()
    assert refused.value.field == ("enumValues",)


def test_only_what_fits_is_written_and_what_nobody_declared_always_fits() -> None:
    catalog = Catalog(1, (AttributeDefinition("age", AttributeType.NUMBER),))

    assert catalog.fitting({"age": "old", "city": ["any", 1]}) == {"city": ["any", 1]}
    assert catalog.fitting({"age": 7}) == {"age": 7}
    assert catalog.misfits({"age": "old", "city": 1}) == {"age": "must be a number"}
