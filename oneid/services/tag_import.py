"""Tags from a file: whoever an identifier names gets the tag of the line."""

import csv
import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from oneid.domain.tags.assignments import AssignmentMethod
from oneid.errors import InvalidInput, NotFound, OneIdError, TooLarge
from oneid.services.customers import CustomerService
from oneid.services.tags import TagService

COLUMNS: Final = ("type", "value", "tag")
MAX_LINES: Final = 1_000
MAX_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Imported:
    """How many customers have new tags, and the lines that were left out, as errors with line and column."""

    changed: int
    faults: Sequence[OneIdError]


@dataclass(frozen=True, slots=True)
class Line:
    """`number` counts from 1, the header being the first."""

    number: int
    type: str
    value: str
    tag: str


class TagImport:
    """Reads files; doing the same again changes nothing."""

    def __init__(self, tags: TagService, customers: CustomerService) -> None:
        self._tags = tags
        self._customers = customers

    async def run(self, text: str, source: str) -> Imported:
        """Gives the tags of every line that can be done. Raises InvalidInput, TooLarge where the file can't be
        read at all."""
        faults: list[OneIdError] = []
        wanted: defaultdict[str, list[str]] = defaultdict(list)
        tree = await self._tags.tree()
        for line in lines(text):
            try:
                tag = tree.get(line.tag, place(line, "tag"))
                record = await self._customers.by_identifier(line.type, line.value)
                if record is None:
                    message = f"nobody has the {line.type} of this line"
                    raise NotFound(message, field=place(line, "value"))
                wanted[tag.id].append(record.one_id)
            except OneIdError as error:
                faults.append(type(error)(error.message, field=error.field or place(line, "type")))
        changed = set[str]()
        for tag_id, people in wanted.items():
            if await self._tags.assign(people, [tag_id], AssignmentMethod.IMPORT, source):
                changed |= set(people)
        return Imported(len(changed), faults)


def lines(text: str) -> list[Line]:
    """The lines below the header. Raises InvalidInput, TooLarge."""
    if len(text.encode()) > MAX_BYTES:
        raise TooLarge(f"a file has at most {MAX_BYTES:,} bytes", field=("csv",))
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    if missing := set(COLUMNS) - set(reader.fieldnames or ()):
        raise InvalidInput(f"the header has no {sorted(missing)[0]}", field=("csv", "1"))
    try:
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise InvalidInput(str(error), field=("csv",)) from None
    if len(rows) > MAX_LINES:
        raise TooLarge(f"a file has at most {MAX_LINES:,} lines", field=("csv",))
    return [Line(number, *((row[name] or "").strip() for name in COLUMNS)) for number, row in rows]


def place(line: Line, column: str) -> tuple[str, ...]:
    return ("csv", str(line.number), column)
