"""What a cell says: text, an exact number, a time."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from oneid.errors import InvalidInput

DIGITS: Final = 15
"""A double keeps so many decimal digits of any number."""

PATTERNS: Final = {"YYYY": "%Y", "MM": "%m", "DD": "%d", "HH": "%H", "mm": "%M", "SS": "%S"}
LETTERS: Final = {"Y": "%Y", "m": "%m", "d": "%d", "H": "%H", "M": "%M", "S": "%S"}


class Kind(StrEnum):
    """How a cell is read; `any` leaves it as the file has it."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Times:
    """How times are written: a `strptime` format, or None for ISO 8601, of which YYYYMMDD is one form. `zone`
    is where times without an offset were taken."""

    zone: ZoneInfo
    form: str | None = None

    def read(self, text: str) -> datetime:
        """An aware time. Raises InvalidInput."""
        try:
            read = self._parsed(text)
        except ValueError:
            written = self.form or "ISO 8601 such as 2026-03-01 18:30"
            raise InvalidInput(f"{text[:60]!r} is no time written as {written}") from None
        return read if read.tzinfo else read.replace(tzinfo=self.zone)

    def _parsed(self, text: str) -> datetime:
        if self.form is None:
            return datetime.fromisoformat(text)
        return datetime.strptime(text, self.form)  # noqa: DTZ007 - read() puts it into its zone


def time_form(given: str) -> str:
    """A `strptime` format from one, from letters as in d/m/Y H:M, or from YYYYMMDD and the like."""
    if "%" in given:
        return given
    table = PATTERNS if "YYYY" in given else LETTERS
    for name, directive in table.items():
        given = given.replace(name, f"\0{directive[1]}")
    return given.replace("\0", "%")


def read_value(value: object, kind: Kind, times: Times) -> object:
    """The value of a cell; None where the cell is empty. Raises InvalidInput."""
    if isinstance(value, str):
        value = value.strip()
    if value is None or value == "" or kind is Kind.ANY:
        return value if value != "" else None
    if kind is Kind.NUMBER:
        return read_number(value)
    if kind is Kind.TIME:
        return times.read(_text(value))
    return _text(value)


def read_number(value: object) -> Decimal:
    """A number that a double holds exactly as it is written. Raises InvalidInput."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = repr(value)
    try:
        number = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        raise InvalidInput(f"{str(value)[:60]!r} is no number")
    if len(number.normalize().as_tuple().digits) > DIGITS:
        raise InvalidInput(f"{str(value)[:60]!r} has more than {DIGITS} digits")
    return number


def plain(number: Decimal) -> int | float:
    """The number as JSON has it: whole ones without a fraction."""
    return int(number) if number == number.to_integral_value() and abs(number) < 10**DIGITS else float(number)


def _text(value: object) -> str:
    """Text; of JSON also a whole number, which many write identifiers as."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise InvalidInput(f"{str(value)[:60]!r} is neither text nor a whole number")
