"""Ingestion: from raw items to acknowledged entries of the event log."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, cast

import orjson

from oneid import metrics
from oneid.clock import Clock
from oneid.domain.catalog import Catalog
from oneid.domain.messages import format_time
from oneid.domain.validation import (
    BATCH_ITEMS,
    MERGED_BYTES,
    Defaults,
    ValidItem,
    check_defaults,
    partition_of,
    validate,
)
from oneid.errors import Conflict, DeadlineExceeded, InvalidInput, OneIdError, Retriable, TooLarge
from oneid.log.events import EventLog
from oneid.log.replies import Replies, Resolved

WAIT_SECONDS: Final = 10.0

Searchable = Callable[[Sequence[str]], Awaitable[None]]
"""Returns when these customers, and every event stored so far, are found by searches."""


class Wait(StrEnum):
    """How far an event has got when the caller hears about it."""

    ACCEPTED = "ACCEPTED"
    RESOLVED = "RESOLVED"
    INDEXED = "INDEXED"


class ItemStatus(StrEnum):
    """What became of an item."""

    ACCEPTED = "ACCEPTED"
    RESOLVED = "RESOLVED"
    INDEXED = "INDEXED"
    DUPLICATE = "DUPLICATE"
    REJECTED = "REJECTED"


@dataclass(slots=True)
class ItemResult:
    """The result of the item at `index`. `message_id` is "" for a refused item that has none; the fields of
    `errors` are paths into the item."""

    index: int
    message_id: str
    status: ItemStatus
    one_id: str | None = None
    errors: tuple[OneIdError, ...] = ()


class IngestionService:
    """Validates items one by one and puts the good ones of a request into the log, all at once."""

    def __init__(
        self,
        log: EventLog,
        replies: Replies,
        clock: Clock,
        searchable: Searchable,
        catalog: Callable[[], Catalog],
        *,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._log = log
        self._replies = replies
        self._clock = clock
        self._searchable = searchable
        self._catalog = catalog
        self._wait_seconds = wait_seconds

    async def accept(
        self,
        items: Sequence[object],
        *,
        source: str,
        sent_at: object = None,
        context: object = None,
        integrations: object = None,
        type: str | None = None,
        wait: Wait = Wait.ACCEPTED,
    ) -> list[ItemResult]:
        """One result an item, in their order; the good items are on disk when this returns.

        `type` is the type of every item, whatever it says itself; `context` and `integrations` are merged
        into each item, whose own entries win.

        Raises:
            TooLarge, InvalidInput: the request as a whole is refused, nothing was stored.
            Retriable: the log can't take it; the same items may be sent again with the same messageIds.
        """
        if len(items) > BATCH_ITEMS:
            raise TooLarge(f"{len(items)} events are more than {BATCH_ITEMS}")
        check_defaults(context, integrations, sent_at)
        defaults = Defaults(type, cast("dict[str, Any]", context), cast("dict[str, Any]", integrations))
        results, valid = _validate_all(items, defaults, self._catalog())
        metrics.ITEMS_REJECTED.inc(len(items) - len(valid))
        if not valid:
            return results
        reply_to = None if wait is Wait.ACCEPTED else self._replies.address
        entries = await self._append(valid, source, cast("str | None", sent_at), reply_to)
        metrics.ITEMS_ACCEPTED.inc(len(valid))
        return results if wait is Wait.ACCEPTED else await self._follow(results, entries, wait)

    async def _append(
        self, valid: list[ValidItem], source: str, sent_at: str | None, reply_to: str | None
    ) -> list[str]:
        received_at = format_time(self._clock.now())
        envelopes = [
            (partition, _envelope(received_at, source, sent_at, share))
            for partition, share in self._shares(valid).items()
        ]
        with metrics.LOG_APPEND_SECONDS.time():
            return await self._log.append(envelopes, reply_to)

    def _shares(self, valid: list[ValidItem]) -> dict[int, list[ValidItem]]:
        """The items of each partition, in order."""
        if self._log.partitions == 1:
            return {0: valid}
        shares: defaultdict[int, list[ValidItem]] = defaultdict(list)
        for item in valid:
            shares[partition_of(item.item, self._log.partitions)].append(item)
        return shares

    async def _follow(self, results: list[ItemResult], entries: list[str], wait: Wait) -> list[ItemResult]:
        """Results as far as they get before the deadline; the events stay accepted in any case."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._wait_seconds
        try:
            async with self._replies.expect(entries) as waiter:
                answers = await waiter.wait(self._wait_seconds)
            results = _resolved(results, answers)
            if wait is Wait.INDEXED:
                async with asyncio.timeout_at(deadline):
                    await self._searchable(sorted({result.one_id for result in results if result.one_id}))
                results = [_indexed(result) for result in results]
        except TimeoutError:
            return _late(results, DeadlineExceeded("accepted, but not searchable before the deadline"))
        except (DeadlineExceeded, Retriable) as error:
            return _late(results, error)
        return results


def _validate_all(
    items: Sequence[object], defaults: Defaults, catalog: Catalog
) -> tuple[list[ItemResult], list[ValidItem]]:
    results: list[ItemResult] = []
    valid: list[ValidItem] = []
    size = 0
    for index, item in enumerate(items):
        try:
            one = validate(item, defaults)
            _check_traits(one, catalog)
        except OneIdError as error:
            results.append(ItemResult(index, _stated_id(item), ItemStatus.REJECTED, None, (error,)))
            continue
        size += len(one.data)
        if size > MERGED_BYTES:
            raise TooLarge(f"with the context copied into each event the batch passes {MERGED_BYTES} bytes")
        valid.append(one)
        results.append(ItemResult(index, one.message_id, ItemStatus.ACCEPTED))
    return results, valid


def _check_traits(item: ValidItem, catalog: Catalog) -> None:
    """Raises InvalidInput where an identify's trait is not of its declared type, wherever it stands."""
    if not catalog.definitions or item.item["type"] != "identify":
        return
    context: dict[str, Any] = item.item.get("context") or {}
    for path, traits in (
        (("traits",), item.item.get("traits")),
        (("context", "traits"), context.get("traits")),
    ):
        for key, reason in catalog.misfits(traits or {}).items():
            raise InvalidInput(f"{key} {reason}", field=(*path, key))


def _stated_id(item: object) -> str:
    """The messageId of a refused item, if it has one worth repeating."""
    stated = cast("dict[str, object]", item).get("messageId") if isinstance(item, dict) else None
    return stated if isinstance(stated, str) else ""


def _envelope(received_at: str, source: str, sent_at: str | None, items: Iterable[ValidItem]) -> bytes:
    """The JSON of an `Envelope`, around items that are JSON already."""
    head = orjson.dumps({"receivedAt": received_at, "source": source, "sentAt": sent_at})
    return b'%s,"items":[%s]}' % (head[:-1], b",".join([item.data for item in items]))


def _resolved(results: list[ItemResult], answers: Sequence[Resolved]) -> list[ItemResult]:
    """Results with their answers. Items of one messageId have an answer each, in order."""
    by_id: defaultdict[str, list[Resolved]] = defaultdict(list)
    for answer in answers:
        by_id[answer.message_id].append(answer)
    return [_answered(result, by_id.get(result.message_id)) for result in results]


def _answered(result: ItemResult, answers: list[Resolved] | None) -> ItemResult:
    if result.status is ItemStatus.REJECTED or not answers:
        return result
    answer = answers.pop(0) if len(answers) > 1 else answers[0]
    if answer.status == "DEAD":
        error = Conflict("the event could not be processed; it is kept in the dead letters")
        return replace(result, errors=(error,))
    return replace(result, status=ItemStatus(answer.status), one_id=answer.one_id)


def _indexed(result: ItemResult) -> ItemResult:
    return replace(result, status=ItemStatus.INDEXED) if result.status is ItemStatus.RESOLVED else result


def _late(results: list[ItemResult], error: OneIdError) -> list[ItemResult]:
    return [
        result if result.status is ItemStatus.REJECTED else replace(result, errors=(*result.errors, error))
        for result in results
    ]
