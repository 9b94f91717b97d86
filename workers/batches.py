"""How much of the log is read and resolved at once."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from graph.client import Overloaded
from oneid.log.events import Entry

#: Events resolved in one transaction: large enough to share its cost, small enough to answer soon.
MOST_EVENTS: Final = 1000
#: Entries read at once: after many small ones the next may all be as large as a request can be.
MOST_ENTRIES: Final = 250


class BatchSize:
    """`entries` to read next and `events` for one transaction. Both begin and come back carefully: what the next
    entries hold is not known, and a graph that could not do so much will not like it at once."""

    def __init__(self) -> None:
        self.entries = 1
        self.events = MOST_EVENTS

    def slices(self, entries: Sequence[Entry]) -> Iterator[list[Entry]]:
        """The entries in order, in slices of at most `events` events; a larger entry is a slice of its own."""
        part, count = list[Entry](), 0
        for entry in entries:
            if part and count + entry.events > self.events:
                yield part
                part, count = [], 0
            part.append(entry)
            count += entry.events
        if part:
            yield part

    def read(self, entries: Sequence[Entry]) -> None:
        """These were read: how many next time."""
        events = sum(entry.events for entry in entries)
        if events > MOST_EVENTS:
            self.entries = max(1, len(entries) * MOST_EVENTS // events)
        elif len(entries) == self.entries:
            self.entries = min(MOST_ENTRIES, 2 * self.entries)

    @contextmanager
    def learning(self) -> Generator[None]:
        """Around a transaction: half as much at once if it was too much, a little more if it was not."""
        try:
            yield
        except Overloaded:
            self.events = max(1, self.events // 2)
            raise
        self.events = min(MOST_EVENTS, self.events + max(1, self.events // 8))
