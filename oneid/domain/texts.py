"""Long texts as the indexes know them: by their beginning."""

from typing import Any, Final

from oneid.domain.catalog import MAX_TEXT

KNOWN: Final = MAX_TEXT
"""No rule compares with a longer text, so that whether one equals it or begins so is known of every text."""

CUT: Final = "\0"
"""Stands behind a beginning. No text that is accepted has it: a beginning equals none, and none is its end."""


def beginning(text: str) -> str:
    """A text as it is known."""
    return text if len(text) <= KNOWN else text[:KNOWN] + CUT


def is_cut(value: Any) -> bool:
    """Whether a value is only the beginning of a text."""
    return isinstance(value, str) and value.endswith(CUT)


def shown(text: str) -> str:
    """A text as people may see it."""
    return f"{text.removesuffix(CUT)}…" if is_cut(text) else text
