"""One run over a file: rows to calls to batches to the server, in the file's order."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from oneid.cli.import_file import ErrorFile
from oneid.cli.tracking_client import BATCH, BATCH_BYTES, Refusal, TrackingClient, Wire
from oneid.domain.imports.presets import Plan
from oneid.domain.imports.rows import BadRow, Row
from oneid.errors import InvalidInput


@dataclass
class Batch:
    """Messages and the lines that they come from."""

    messages: list[Wire] = field(default_factory=list[Wire])
    lines: list[int] = field(default_factory=list[int])
    bytes: int = 0

    def fits(self, size: int) -> bool:
        return len(self.messages) < BATCH and self.bytes + size <= BATCH_BYTES

    def add(self, line: int, message: Wire, size: int) -> None:
        self.messages.append(message)
        self.lines.append(line)
        self.bytes += size


class ImportRun:
    """Counts what was sent and collects what failed; `progress` is told how many rows are settled."""

    def __init__(
        self, plan: Plan, client: TrackingClient, errors: ErrorFile, progress: Callable[[int], None]
    ) -> None:
        self._plan = plan
        self._client = client
        self._errors = errors
        self._progress = progress
        self._waiting: deque[tuple[Batch, Future[list[Refusal]]]] = deque()
        self.accepted = 0

    def run(self, rows: Iterator[Row | BadRow], threads: int) -> None:
        """Sends everything; returns when each message has its answer.

        One thread keeps the order of the file; more are quicker and give it up. Raises NotSent at the first
        batch that could not be sent; the rows before it are accepted or in the error file.
        """
        with ThreadPoolExecutor(threads) as pool:
            try:
                for batch in self._batches(rows):
                    self._waiting.append((batch, pool.submit(self._client.send, batch.messages)))
                    self._settle(at_most=2 * threads)
                self._settle(at_most=0)
            finally:
                pool.shutdown(cancel_futures=True)

    def _batches(self, rows: Iterator[Row | BadRow]) -> Iterator[Batch]:
        batch = Batch()
        for row in rows:
            message = self._message(row)
            if message is None:
                continue
            if not batch.fits(message[1]):
                yield batch
                batch = Batch()
            batch.add(row.line, *message)
        if batch.messages:
            yield batch

    def _message(self, row: Row | BadRow) -> tuple[Wire, int] | None:
        if isinstance(row, Row):
            try:
                return self._client.message(self._plan.call(row))
            except InvalidInput as error:
                row = BadRow(row.line, error.field[0] if error.field else None, error.message)
        self._errors.add(row)
        return None

    def _settle(self, at_most: int) -> None:
        """Takes the answers of the oldest batches until at most so many are under way."""
        while len(self._waiting) > at_most:
            batch, future = self._waiting.popleft()
            refusals = future.result()
            for refusal in refusals:
                column = self._plan.column(refusal.path)
                self._errors.add(BadRow(batch.lines[refusal.index], column, refusal.reason))
            self.accepted += len(batch.messages) - len({refusal.index for refusal in refusals})
            self._progress(self.accepted + self._errors.count)
