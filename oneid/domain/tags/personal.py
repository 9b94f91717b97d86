"""Whether a model or an expression computes with personal data."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from oneid.domain.personal import PersonalKeys
from oneid.domain.tags.scorers import LITERALS, Scorer

MEMBER: Final = re.compile(r"\.\s*([^\W\d]\w*)")
INDEX: Final = re.compile(r"\[\s*(?:'(\d+)'|\d+)\s*\]")
ONE_READ: Final = re.compile(r"\battributes\s*(?:\.\s*[^\W\d]|\[)")
ANY_READ: Final = re.compile(r"\battributes\b")
PLAIN: Final = re.compile(r"([\"'])([\w .-]*)\1")


def computes_with_personal(scorer: Scorer, keys: PersonalKeys) -> bool:
    """Whether what a scorer computes may tell personal data. An expression may that reads attributes in another
    way than by names that are written out."""
    if scorer.expression is None:
        return any(keys.cover(name.partition("=")[0]) for name in features(scorer.model or {}))
    names = names_in(scorer.expression)
    return names is None or any(map(keys.cover, names))


def reads(scorer: Scorer, key: str) -> bool:
    """Whether a scorer may read an attribute."""
    if scorer.expression is None:
        return any(name.partition("=")[0] == key for name in features(scorer.model or {}))
    names = names_in(scorer.expression)
    return names is None or key in names


def names_in(expression: str) -> list[str] | None:
    """Whatever an expression in CEL reads by name; None where it reads all attributes at once, or by a name that it
    computes."""
    literals: list[str] = []

    def numbered(found: re.Match[str]) -> str:
        literals.append(found[0])
        return f"'{len(literals) - 1}'"

    bare = LITERALS.sub(numbered, expression)
    indexes = INDEX.findall(bare)
    texts = [PLAIN.fullmatch(literals[int(number)]) for number in indexes if number]
    computed = bare.count("[") != len(indexes) or not all(texts)
    if computed or len(ANY_READ.findall(bare)) != len(ONE_READ.findall(bare)):
        return None
    return [*MEMBER.findall(bare), *(text[2] for text in texts if text)]


def features(model: Mapping[str, Any]) -> Iterator[str]:
    """The features of a model: attributes, or attribute=value."""
    yield from model.get("coefficients", {})
    waiting = [model.get("root")]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping) and "value" not in node:
            yield str(node.get("feature"))
            waiting += [node.get("left"), node.get("right")]
