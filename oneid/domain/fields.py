"""What each field of a message must be.

A table of checks, field name -> check, so that only the fields that are there cost anything. Null is the same
as missing everywhere.
"""

import re
from collections.abc import Callable
from typing import Any, Final, cast

from oneid.domain.messages import Item, parse_time
from oneid.errors import InvalidInput

IDENTIFIER_CHARACTERS: Final = 1024
"""Fits into an index entry of every store, in any script."""

EXACT: Final = 2**53
"""Up to here floating point numbers are exact."""

PARTIES: Final = ("FIRST", "SECOND", "THIRD")
"""The names of `customers.DataParty`."""

_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\d(?:[Tt ](?:[01]\d|2[0-3]):\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)

Check = Callable[[Any, str], None]
"""Raises InvalidInput if the value, which is not null, is not what the field of this name must be."""


def check_time(value: Any, name: str) -> None:
    """RFC 3339, or a part of it that is as clear: a day alone, no zone, no seconds, a space for the T."""
    try:
        if not _TIME.fullmatch(value):
            raise ValueError
        parse_time(value)
    except (TypeError, ValueError, OverflowError):
        raise InvalidInput(f"{name} must be a time in RFC 3339", field=(name,)) from None


def check_object(value: object, name: str) -> None:
    """An object, or the empty list that PHP makes of an empty one."""
    if not isinstance(value, dict) and value != []:
        raise InvalidInput(f"{name} must be an object", field=(name,))


def check_text(value: object, name: str) -> None:
    if not isinstance(value, str):
        raise InvalidInput(f"{name} must be a string", field=(name,))


def check_identifier(value: object, name: str) -> None:
    """A string, a whole number or a boolean, which is blocked later. 12345.0 is whole; a fraction, or a number
    that a sender can't keep exactly, would have lost digits on the way."""
    if isinstance(value, str):
        if len(value) > IDENTIFIER_CHARACTERS:
            raise InvalidInput(f"{name} is longer than {IDENTIFIER_CHARACTERS} characters", field=(name,))
    elif not _is_whole(value):
        raise InvalidInput(f"{name} must be a string or a whole number of 64 bits", field=(name,))


def _is_whole(value: object) -> bool:
    if isinstance(value, float):
        return value.is_integer() and abs(value) <= EXACT
    return isinstance(value, int) and -(2**63) <= value < 2**64


def check_party(value: Any, name: str) -> None:
    """Who collected the data."""
    if not isinstance(value, str) or value not in PARTIES:
        raise InvalidInput(f"{name} must be one of {', '.join(PARTIES)}", field=(name,))


def check_names(value: object, name: str) -> None:
    """A list of strings."""
    if not isinstance(value, list) or not all(isinstance(e, str) for e in cast("list[object]", value)):
        raise InvalidInput(f"{name} must be a list of strings", field=(name,))


def check_each(container: Item, checks: dict[str, Check]) -> None:
    """Runs the check of each field that has one."""
    for name, value in container.items():
        check = checks.get(name)
        if check is not None and value is not None:
            check(value, name)


def nested(checks: dict[str, Check]) -> Check:
    """The check of an object with checked fields. Paths are built only for an error: most fields are right."""

    def check(value: Any, name: str) -> None:
        check_object(value, name)
        try:
            check_each(value or {}, checks)
        except InvalidInput as error:
            error.field = (name, *error.field)
            raise

    return check


def check_external_ids(value: object, name: str) -> None:
    """A list of objects with `type` and `id`."""
    if not isinstance(value, list):
        raise InvalidInput(f"{name} must be a list", field=(name,))
    for index, entry in enumerate(cast("list[object]", value)):
        try:
            check_external_id(entry, str(index))
        except InvalidInput as error:
            error.field = (name, *error.field)
            raise


def check_external_id(value: object, name: str) -> None:
    check_object(value, name)
    external = cast(Item, value or {})
    if not isinstance(external.get("type"), str):
        raise InvalidInput("type must be a string", field=(name, "type"))
    _EXTERNAL_ID(external, name)


_EXTERNAL_ID: Final = nested({"type": check_identifier, "id": check_identifier})
_CONTACTS: Final = nested({"email": check_identifier, "phone": check_identifier})
_CONTEXT: Final = nested(
    {
        "traits": _CONTACTS,
        "device": nested({"id": check_identifier, "advertisingId": check_identifier}),
        "externalIds": check_external_ids,
        "verified": check_names,
        "party": check_party,
    }
)
COMMON: Final[dict[str, Check]] = {
    "context": _CONTEXT,
    "traits": _CONTACTS,
    "properties": check_object,
    "integrations": check_object,
    "timestamp": check_time,
    "originalTimestamp": check_time,
    "sentAt": check_time,
    "userId": check_identifier,
    "anonymousId": check_identifier,
    "previousId": check_identifier,
    "groupId": check_identifier,
}
CHECKS: Final[dict[str, dict[str, Check]]] = {
    "identify": COMMON,
    "track": {**COMMON, "event": check_text},
    "page": {**COMMON, "name": check_text},
    "screen": {**COMMON, "name": check_text},
    # A group's traits are the group's: what they call email or phone names no person.
    "group": {**COMMON, "traits": check_object},
    "alias": COMMON,
}
