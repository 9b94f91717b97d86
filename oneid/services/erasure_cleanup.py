"""What an erasure leaves to do outside of the graph's transaction: both indexes, the log, dead letters, exports.

Everything is gone through twice. The first look comes when the log has passed the moment of the erasure: a batch
that was resolved before it may be stored after it. The last look comes when every request that was under way
must have ended: a move of events that had been read before the first look writes them back.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Final

from graph.client import Graph
from graph.erasure_results import ErasureResults
from graph.erasure_work import ErasureWork
from graph.rules import RulesStore
from graph.tombstones import load
from oneid.clock import Clock, sequence
from oneid.domain.envelopes import messages_of
from oneid.domain.erasures import Pending
from oneid.domain.messages import format_time, parse_time
from oneid.domain.redaction import Redactor, unmistakable
from oneid.domain.rules import IdentityRules
from oneid.domain.tombstones import Tombstones
from oneid.log.dead_letters import DeadLetters
from oneid.log.erasure import LogErasure
from oneid.services.erasure_others import ErasureOthers
from oneid.services.erasure_rules import ErasureRules
from oneid.services.profile_writer import ProfileWriter
from search.documents import EventDocument
from search.erasure import EventErasure

LAST_LOOK_SECONDS: Final = 90.0
"""Longer than any request to the index lasts."""

PASSING_SECONDS: Final = 5.0
PAUSE_SECONDS: Final = 0.05
AGAIN_SECONDS: Final = 1.0
LETTERS: Final = 200

SKEW: Final = timedelta(minutes=1)
"""No two clocks of one deployment are further apart."""


class ErasureCleanup:
    """Does what is left of erasures. Any number may run at once; a kill at any point only means to begin again."""

    def __init__(
        self,
        graph: Graph,
        work: ErasureWork,
        others: ErasureOthers,
        written: ErasureRules,
        results: ErasureResults,
        rules: RulesStore,
        log: LogErasure,
        letters: DeadLetters,
        events: EventErasure,
        profiles: ProfileWriter,
        clock: Clock,
        region: str,
        *,
        last_look: float = LAST_LOOK_SECONDS,
        passing: float = PASSING_SECONDS,
        again: float = AGAIN_SECONDS,
    ) -> None:
        """Seconds: `last_look` from the first look to the last; `passing` to wait for the log; `again` until the
        log is asked again."""
        self._graph = graph
        self._work = work
        self._others = others
        self._written = written
        self._results = results
        self._rules = rules
        self._log = log
        self._letters = letters
        self._events = events
        self._profiles = profiles
        self._clock = clock
        self._region = region
        self._last_look = int(last_look * 1e9)
        self._again = int(again * 1e9)
        self._patience = int(passing / PAUSE_SECONDS)
        self._book = Tombstones()

    async def run_once(self, limit: int = 100) -> int:
        """Looks after at most `limit` erasures that are due; returns how many. Raises Retriable."""
        due = await self._work.due(sequence(), limit)
        for erasure in due:
            await self._look(erasure)
        return len(due)

    async def first_look(self, id_: str) -> None:
        """The first look after one erasure, at once, if the log passes in time. Raises Retriable."""
        for erasure in await self._work.due(sequence(), 1, id_):
            await self._look(erasure)

    async def _look(self, erasure: Pending) -> None:
        """The stores are gone through also while the log has not passed: that may take long."""
        known = bool(erasure.marks)
        passed = erasure.looked or await self._log_passes(erasure)
        if known and not passed:
            await self._work.later(erasure, sequence() + self._again, erasure.redacted)
            return
        redacted = [*erasure.redacted, *await self._clean(erasure)]
        if erasure.looked:
            await self._work.done(erasure, format_time(self._clock.now()))
        elif passed:
            await self._work.looked(erasure, redacted, sequence() + self._last_look)
        else:
            await self._work.later(erasure, sequence() + self._again, redacted)

    async def _log_passes(self, erasure: Pending) -> bool:
        """Waits until all that was in the log at the erasure is finished, for a while."""
        marks = erasure.marks
        if not marks:
            marks = tuple(await self._log.marks())
            await self._work.note_marks(erasure, marks)
        for _ in range(self._patience):
            if await self._log.passed(marks):
                return True
            await asyncio.sleep(PAUSE_SECONDS)
        return await self._log.passed(marks)

    async def _clean(self, erasure: Pending) -> list[str]:
        rules = await self._rules.current()
        await self._graph.transact("erasures.tombstones", partial(load, book=self._book))
        gone = [(one_id, erasure.version + 1) for one_id in erasure.one_ids]
        await self._profiles.write((), gone)
        await self._events.refresh()
        await self._events.delete(erasure.one_ids, partial(self._forget, erasure))
        redacted: list[str] = []
        if erasure.looked:
            await self._others.look_again(erasure, rules, self._book)
        else:
            redacted = await self._others.forget(erasure, rules, self._book)
            keys, instead = unmistakable(erasure.keys), f"erased:{erasure.id}"
            await self._written.forget(Redactor(keys, rules, self._region, instead=instead))
            await self._results.drop_files(format_time(parse_time(erasure.erased_at) + SKEW))
        await self._discard_letters(rules)
        await self._results.drop_about(erasure)
        await self._results.sweep()
        return redacted

    async def _forget(self, erasure: Pending, documents: Sequence[EventDocument]) -> None:
        """Events of the person are about to go: whose they were is forgotten wherever it was noted."""
        await self._log.forget([document["messageId"] for document in documents])
        await self._others.forget_anchors(erasure, documents)

    async def _discard_letters(self, rules: IdentityRules) -> None:
        """Dead letters that name somebody erased would be dropped when they are replayed."""
        after: str | None = None
        while letters := await self._letters.page(LETTERS, after):
            barred = [
                letter.id
                for letter in letters
                for message in messages_of(letter.envelope)
                if self._book.bar_message(message, rules, self._region)
            ]
            if barred:
                await self._letters.discard(barred)
            after = letters[-1].id
