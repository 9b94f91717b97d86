"""Rules that name somebody who was erased: the value goes, and whom they are true for stays the same."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final

import orjson

from graph.conditions import Conditions
from graph.rule_texts import RuleText, RuleTexts
from oneid.domain.redaction import Redactor, forgotten_rule

Rebuild = Callable[[], Awaitable[None]]
"""Stores the queries of rules that have changed, or lets a worker go on with it."""

ROUNDS: Final = 5
"""What somebody changes at the same moment is read again."""


class ErasureRules:
    """Takes people out of whatever somebody wrote rules in. All of it may be done again."""

    def __init__(self, texts: RuleTexts, conditions: Conditions, rebuild: Rebuild) -> None:
        self._texts = texts
        self._conditions = conditions
        self._rebuild = rebuild

    async def forget(self, redactor: Redactor) -> None:
        """Rewrites the rules that name the person, and drops what was made of them. Raises Retriable."""
        changed = False
        for _ in range(ROUNDS):
            if not (changes := list(_changes(await self._texts.all(), redactor))):
                break
            await self._texts.rewrite(changes)
            changed = True
        rules = await self._texts.conditions()
        if gone := [id_ for id_, rule in rules.items() if _without(rule, redactor) != rule]:
            await self._conditions.drop(gone)
        if changed or gone:
            await self._rebuild()


def _changes(texts: Sequence[RuleText], redactor: Redactor) -> Iterator[tuple[RuleText, str]]:
    for one in texts:
        new = _without(one.text, redactor) if one.json else redactor.text(one.text) or ""
        if new != one.text:
            yield one, new


def _without(text: str, redactor: Redactor) -> str:
    """The JSON as it was, byte for byte, where it names nobody."""
    written = orjson.loads(text)
    new = forgotten_rule(written, redactor)
    return text if new == written else orjson.dumps(new).decode()
