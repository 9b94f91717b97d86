"""Short files that are sent with a request: comma-separated lines under a header."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from oneid.errors import InvalidInput, TooLarge

MAX_LINES: Final = 1_000
MAX_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `number` counts from 1, the header being the first."""

    number: int
    cells: Mapping[str, str]

    def place(self, column: str) -> tuple[str, ...]:
        """Where a column of it is, for errors."""
        return ("csv", str(self.number), column)


def listed(text: str, columns: Sequence[str]) -> list[Line]:
    """The lines below the header, each with these columns. Raises InvalidInput, TooLarge."""
    if len(text.encode()) > MAX_BYTES:
        raise TooLarge(f"a file has at most {MAX_BYTES:,} bytes", field=("csv",))
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    if missing := set(columns) - set(reader.fieldnames or ()):
        raise InvalidInput(f"the header has no {sorted(missing)[0]}", field=("csv", "1"))
    try:
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise InvalidInput(str(error), field=("csv",)) from None
    if len(rows) > MAX_LINES:
        raise TooLarge(f"a file has at most {MAX_LINES:,} lines", field=("csv",))
    return [Line(number, {name: (row[name] or "").strip() for name in columns}) for number, row in rows]
