"""Messages on their way from the log to the stores: where each came from, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
import structlog

from graph import partitions
from oneid.domain.envelopes import messages_of
from oneid.domain.messages import Envelope, Item, Message, format_time
from oneid.log.events import Entry, full_id
from oneid.log.replies import Resolved, ResolvedStatus

log = structlog.get_logger("oneid.resolution")


@dataclass(slots=True, eq=False)
class Received:
    """One message of a batch: where it came from and what became of it. `place`: which of its entry's messages it
    is; `waits`: it is not resolved yet, `stored`: it is in the index. `barred`: it names somebody who was erased.
    `by`: the key of its strongest identifier that counted. `one_id`: whose it is after the batch; `answer`: whose it
    was when it was resolved, a former ONE-ID by now if a later message of the batch merged that customer away."""

    entry: Entry
    envelope: Envelope
    message: Message
    place: int = 0
    waits: bool = True
    stored: bool = False
    duplicate: bool = False
    barred: bool = False
    failure: str | None = None
    one_id: str | None = None
    answer: str | None = None
    version: int = 0
    keys: tuple[str, ...] = ()
    by: str | None = None
    sequence: int = 0

    @property
    def counts(self) -> bool:
        """Whether it is resolved and stored."""
        return not (self.duplicate or self.barred or self.failure)

    @property
    def mark(self) -> str:
        """What is noted of it while its entry is not resolved whole."""
        return partitions.mark(self.entry.id, self.place)

    @property
    def address(self) -> dict[str, str]:
        """What names it in the logs of this process."""
        return {"entry": self.entry.id, "message_id": self.message.message_id}


def open_entry(entry: Entry, failure: str | None, partition: int) -> list[Received]:
    """The messages of an entry. What can't be read becomes one that holds it as it is, and has failed."""
    try:
        envelope: Envelope = orjson.loads(entry.body)
        messages = messages_of(envelope)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        log.error("entry can't be read", entry=entry.id, exc_info=error)
        envelope, failure = unreadable(entry, partition), "UNREADABLE"
        messages = messages_of(envelope)
    return [
        Received(entry, envelope, message, place, failure=failure) for place, message in enumerate(messages)
    ]


def unreadable(entry: Entry, partition: int) -> Envelope:
    received_at = format_time(datetime.fromtimestamp(int(entry.id.partition("-")[0]) / 1000, UTC))
    message_id = f"unreadable-{full_id(partition, entry.id)}"
    item: Item = {"messageId": message_id, "type": "track", "event": "Unreadable"}
    item["properties"] = {"body": entry.body.decode(errors="replace")}
    return {"receivedAt": received_at, "source": "log", "sentAt": None, "items": [item]}


def is_applied(received: Received, applied: frozenset[str]) -> bool:
    return received.entry.id in applied or received.mark in applied


def marks(batch: Sequence[Received], waiting: set[Received]) -> list[str]:
    """What is applied of a batch: ids of entries, and of an entry of which messages wait the others."""
    partial = {received.entry.id for received in waiting}
    return list(
        dict.fromkeys(
            received.mark if received.entry.id in partial else received.entry.id
            for received in batch
            if received not in waiting
        )
    )


def replies(batch: Sequence[Received], partition: int) -> dict[str, dict[str, list[Resolved]]]:
    """Answers for those who wait: address -> full id of the entry -> one result a message."""
    answers = dict[str, dict[str, list[Resolved]]]()
    for received in batch:
        if received.entry.reply_to:
            of_address = answers.setdefault(received.entry.reply_to, {})
            of_address.setdefault(full_id(partition, received.entry.id), []).append(result(received))
    return answers


def result(received: Received) -> Resolved:
    status: ResolvedStatus = "DUPLICATE" if received.duplicate else "DEAD" if received.failure else "RESOLVED"
    one_id = received.one_id and (received.answer or received.one_id)
    return Resolved(received.message.message_id, one_id, status, received.version)
