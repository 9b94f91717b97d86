"""Rows of CSV, of columns with spaces between them, and of NDJSON.

A row that cannot be read becomes a `BadRow` and reading goes on: nothing is skipped in silence.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, cast

from oneid.errors import InvalidInput


class Form(StrEnum):
    """How a file is written."""

    CSV = "csv"
    SPACED = "spaced"
    NDJSON = "ndjson"


FORMS: Final = {
    ".csv": Form.CSV,
    ".tsv": Form.CSV,
    ".txt": Form.SPACED,
    ".ndjson": Form.NDJSON,
    ".jsonl": Form.NDJSON,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One record: `line` is where it starts, 1 the first line of the file; values by column."""

    line: int
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A record that was not sent, the column where there is one to blame, and why."""

    line: int
    column: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Table:
    """The columns, empty where each row names its own, and the rows."""

    columns: tuple[str, ...]
    rows: Iterator[Row | BadRow]


Record = tuple[int, list[str] | str]
"""Where it starts, and its cells or what is wrong with it."""


def form_of(name: str) -> Form:
    """The form that a file name stands for, packed or not. Raises InvalidInput."""
    bare = name.lower().removesuffix(".gz")
    for suffix, form in FORMS.items():
        if bare.endswith(suffix):
            return form
    raise InvalidInput(f"{name} does not say what it is: name its form (csv, spaced or ndjson)")


def read_table(lines: Iterable[str], form: Form, columns: Sequence[str] = (), delimiter: str = ",") -> Table:
    """The table in these lines, whose undecodable bytes are lone surrogates. Without `columns` the first
    record of CSV and of spaced columns names them. Raises InvalidInput if that one is no header."""
    if form is Form.NDJSON:
        return Table((), _json_rows(lines))
    records = _csv_records(lines, delimiter) if form is Form.CSV else _spaced_records(lines)
    names = tuple(columns) or _header(records)
    return Table(names, _named(records, names))


def _header(records: Iterator[Record]) -> tuple[str, ...]:
    line, cells = next(records, (1, "the file is empty"))
    if isinstance(cells, str):
        raise InvalidInput(f"line {line} is no header: {cells}")
    names = tuple(cell.strip() for cell in cells)
    if len(set(names)) < len(names):
        raise InvalidInput(f"line {line} names a column twice: {', '.join(names)}")
    return names


def _named(records: Iterator[Record], names: tuple[str, ...]) -> Iterator[Row | BadRow]:
    for line, cells in records:
        if isinstance(cells, str):
            yield BadRow(line, None, cells)
        elif len(cells) != len(names):
            yield BadRow(line, None, f"{len(cells)} columns instead of {len(names)}")
        else:
            yield _checked(Row(line, dict(zip(names, cells, strict=True))))


def _checked(row: Row) -> Row | BadRow:
    for column, value in row.values.items():
        if isinstance(value, str) and not is_text(value):
            return BadRow(row.line, column, "bytes that are no text in this encoding: name another")
    return row


def is_text(value: str) -> bool:
    """Whether all of it was decoded: undecodable bytes are lone surrogates."""
    try:
        return value.isascii() or bool(value.encode())
    except UnicodeEncodeError:
        return False


def _csv_records(lines: Iterable[str], delimiter: str) -> Iterator[Record]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, f"no CSV: {error}"
            continue
        if cells:
            yield line, cells


def _spaced_records(lines: Iterable[str]) -> Iterator[Record]:
    for line, text in enumerate(lines, start=1):
        if cells := text.split():
            yield line, list(cells)


def _json_rows(lines: Iterable[str]) -> Iterator[Row | BadRow]:
    for line, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            yield _checked(Row(line, flat(cast("dict[str, Any]", found))))
        else:
            yield BadRow(line, None, "no JSON object")


def flat(value: dict[str, Any]) -> dict[str, object]:
    """The entries, and those of inner objects too as `outer.inner`."""
    found: dict[str, object] = {}
    for key, entry in value.items():
        found[key] = entry
        if isinstance(entry, dict):
            inner = flat(cast("dict[str, Any]", entry))
            found |= {f"{key}.{name}": held for name, held in inner.items()}
    return found
