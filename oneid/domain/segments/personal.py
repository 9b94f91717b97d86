"""Whether a rule asks about personal data, and rules as those may see them who may not see such data."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from oneid.domain.personal import PersonalKeys
from oneid.domain.segments.rules import (
    AttributeRule,
    CadenceRule,
    EventPattern,
    EventRule,
    Rule,
    SequenceRule,
    nodes,
)

NAMES: Final = ("key", "property")
"""What a written condition calls the attribute or the property that it is about."""


def asks_about_personal(rule: Rule, keys: PersonalKeys) -> bool:
    """Whether a condition of the rule, or of a segment that it names, is about personal data."""
    return any(keys.cover(name) for node in nodes(rule) for name in names_in(node))


def names_in(node: Rule) -> Iterator[str]:
    """The attributes and properties that one condition is about."""
    match node:
        case AttributeRule():
            yield node.definition.key
        case EventRule():
            yield from tested(node.pattern, node.less)
            if node.property is not None:
                yield node.property
        case SequenceRule():
            yield from tested(*node.steps, node.without)
            if node.same is not None:
                yield node.same
        case CadenceRule():
            yield from tested(node.pattern)
        case _:
            return


def tested(*patterns: EventPattern | None) -> Iterator[str]:
    """The properties that patterns test."""
    return (test.property for pattern in patterns if pattern for test in pattern.where)


def without_values(written: Any, keys: PersonalKeys) -> Any:
    """A written rule in which conditions on personal data have null for what they compare with."""
    if isinstance(written, list):
        entries: list[Any] = written
        return [without_values(one, keys) for one in entries]
    if not isinstance(written, Mapping):
        return written
    members: Mapping[str, Any] = written
    named = (members.get(name) for name in NAMES)
    hidden = {"value"} if any(isinstance(name, str) and keys.cover(name) for name in named) else set[str]()
    return {name: None if name in hidden else without_values(one, keys) for name, one in members.items()}
