"""Which column of a file is which field of a message."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from oneid.domain.imports.values import Kind
from oneid.errors import InvalidInput

PERSON: Final = {
    "user_id": Kind.TEXT,
    "anonymous_id": Kind.TEXT,
    "guest_id": Kind.TEXT,
    "email": Kind.TEXT,
    "phone": Kind.TEXT,
    "timestamp": Kind.TIME,
}
"""Fields of every preset. `guest_id` becomes the anonymousId of a row that names nobody otherwise."""

EXTERNAL: Final = "id."
"""`id.member_card` is the external id of the type member_card."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One column's field, and how its cells are read."""

    column: str
    field: str
    kind: Kind


def parse_assignments(given: Sequence[str], fields: Mapping[str, Kind]) -> tuple[Assignment, ...]:
    """`column=field` or `column=field:kind` each. Raises InvalidInput."""
    return tuple(parse_assignment(text, fields) for text in given)


def parse_assignment(text: str, fields: Mapping[str, Kind]) -> Assignment:
    column, equals, target = text.rpartition("=")
    field, _, kind = target.strip().partition(":")
    if not equals or not column.strip() or not field:
        raise InvalidInput(
            f"{text!r} is no mapping: write column=field or column=field:number", field=("map",)
        )
    if kind and kind not in set(Kind):
        raise InvalidInput(f"{kind!r} is no kind: {', '.join(Kind)}", field=("map",))
    return Assignment(column.strip(), field, Kind(kind) if kind else kind_of(field, fields))


def kind_of(field: str, fields: Mapping[str, Kind]) -> Kind:
    """How a field is read where the mapping does not say."""
    return Kind.TEXT if field.startswith(EXTERNAL) else fields.get(field, Kind.ANY)


def same_names(columns: Sequence[str], fields: Mapping[str, Kind]) -> tuple[Assignment, ...]:
    """Columns that are called like a field are that field."""
    return tuple(
        Assignment(column, column, kind_of(column, fields))
        for column in columns
        if column in fields or column.startswith(EXTERNAL)
    )


def check_columns(assignments: Sequence[Assignment], columns: Sequence[str]) -> None:
    """Raises InvalidInput where a mapped column is not in the file, or a field is mapped twice."""
    missing = [found.column for found in assignments if columns and found.column not in columns]
    if missing:
        message = f"no column {missing[0]!r} in the file, which has {', '.join(columns)}"
        raise InvalidInput(message, field=("map",))
    fields = [found.field for found in assignments]
    twice = sorted({field for field in fields if fields.count(field) > 1})
    if twice:
        raise InvalidInput(f"two columns are {twice[0]}", field=("map",))
