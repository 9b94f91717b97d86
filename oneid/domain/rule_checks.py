"""What a change of the identity rules must hold to be accepted."""

import re

from oneid.domain.rules import BlockedValue, RulesChange, TypeChange
from oneid.errors import InvalidInput

TYPE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
MAX_PATTERN = 500


def check_change(change: RulesChange) -> None:
    """Raises InvalidInput with the path into updateIdentityRules' input."""
    for number, of_type in enumerate(change.types):
        check_type(of_type, ("types", str(number)))
    for name, values in (("block", change.block), ("unblock", change.unblock)):
        for number, blocked in enumerate(values):
            check_blocked(blocked, (name, str(number)))
    check_range(change.max_merges, 0, 10_000, ("maxMerges",))
    check_range(change.max_identifiers, 1, 10_000, ("maxIdentifiers",))


def check_type(change: TypeChange, field: tuple[str, ...]) -> None:
    if not TYPE_NAME.fullmatch(change.type):
        raise InvalidInput("a type is named by letters, digits, _, - and .", field=(*field, "type"))
    check_range(change.priority, 1, 1000, (*field, "priority"))
    check_range(change.limit, 0, 10_000, (*field, "limit"))
    check_range(change.window_days, 0, 3650, (*field, "windowDays"))
    check_range(change.generic_after, 0, 10_000, (*field, "genericAfter"))
    if change.generic_anchor is not None and not TYPE_NAME.fullmatch(change.generic_anchor):
        raise InvalidInput("the anchor is a type's name", field=(*field, "genericAnchor"))


def check_blocked(blocked: BlockedValue, field: tuple[str, ...]) -> None:
    if (blocked.exact is None) == (blocked.regex is None):
        raise InvalidInput("give either exact or regex", field=field)
    if blocked.regex is not None:
        check_pattern(blocked.regex, (*field, "regex"))


def check_pattern(pattern: str, field: tuple[str, ...]) -> None:
    if len(pattern) > MAX_PATTERN:
        raise InvalidInput(f"a pattern has at most {MAX_PATTERN} characters", field=field)
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise InvalidInput(f"not a regular expression: {error}", field=field) from error


def check_range(value: int | None, least: int, most: int, field: tuple[str, ...]) -> None:
    if value is not None and not least <= value <= most:
        raise InvalidInput(f"must lie between {least} and {most}", field=field)
