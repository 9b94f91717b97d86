"""Reading cells: exact numbers, times with a zone, no guesses."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from oneid.domain.imports.values import Kind, Times, plain, read_number, read_value, time_form
from oneid.errors import InvalidInput

SHANGHAI = Times(ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize(
    ("given", "form"),
    [
        ("YYYYMMDD", "%Y%m%d"),
        ("DD/MM/YYYY HH:mm", "%d/%m/%Y %H:%M"),
        ("d/m/Y H:M", "%d/%m/%Y %H:%M"),
        ("Y-m-d H:M:S", "%Y-%m-%d %H:%M:%S"),
        ("%d.%m.%y", "%d.%m.%y"),
    ],
)
def test_a_time_format_may_be_written_in_letters(given: str, form: str) -> None:
    assert time_form(given) == form


@pytest.mark.parametrize("text", ["20101201", "2010-12-01", "2010-12-01 00:00", "2010-11-30T16:00:00Z"])
def test_without_a_format_times_are_iso_8601(text: str) -> None:
    assert SHANGHAI.read(text).astimezone(UTC) == datetime(2010, 11, 30, 16, tzinfo=UTC)


def test_a_time_without_an_offset_is_of_the_zone_with_its_summer_time() -> None:
    times = Times(ZoneInfo("Europe/London"), time_form("d/m/Y H:M"))
    assert times.read("01/12/2010 08:26").astimezone(UTC) == datetime(2010, 12, 1, 8, 26, tzinfo=UTC)
    assert times.read("01/07/2010 08:26").astimezone(UTC) == datetime(2010, 7, 1, 7, 26, tzinfo=UTC)


@pytest.mark.parametrize("text", ["31/12/2010", "2010-13-01", "yesterday", "1292000000"])
def test_what_is_no_such_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="is no time written as"):
        SHANGHAI.read(text)


@pytest.mark.parametrize(
    ("text", "number"), [("11.77", 11.77), ("0.00", 0), ("-1.50", -1.5), ("12", 12), ("1E+3", 1000)]
)
def test_a_number_is_what_is_written(text: str, number: float) -> None:
    assert plain(read_number(text)) == number
    assert type(plain(read_number(text))) is type(number)


def test_every_amount_of_fifteen_digits_comes_back_from_a_double() -> None:
    for text in ("9999999999999.99", "0.000000000000001", "123456789.012345", "999999999999999"):
        assert Decimal(repr(plain(read_number(text)))) == Decimal(text)


@pytest.mark.parametrize(
    "given", ["", "ten", "NaN", "Infinity", "1,5", "$3", True, [1], "1234567890.1234567"]
)
def test_what_is_no_exact_number_is_refused(given: object) -> None:
    with pytest.raises(InvalidInput):
        read_number(given)


@pytest.mark.parametrize("empty", ["", "  ", None])
@pytest.mark.parametrize("kind", Kind)
def test_an_empty_cell_says_nothing(empty: str | None, kind: Kind) -> None:
    assert read_value(empty, kind, SHANGHAI) is None


def test_text_is_trimmed_and_whole_numbers_are_text_too() -> None:
    assert read_value(" a b ", Kind.TEXT, SHANGHAI) == "a b"
    assert read_value(17850, Kind.TEXT, SHANGHAI) == "17850"


@pytest.mark.parametrize("given", [17850.0, True, [1], {"a": 1}])
def test_other_values_are_no_text(given: object) -> None:
    with pytest.raises(InvalidInput, match="neither text nor a whole number"):
        read_value(given, Kind.TEXT, SHANGHAI)
