"""Customers from a file: whoever an identifier names gets the tag of the line, or comes onto a list."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from oneid.domain.imports.listed import Line, listed
from oneid.domain.tags.assignments import AssignmentMethod
from oneid.errors import NotFound, OneIdError
from oneid.services.customers import CustomerService
from oneid.services.segments import SegmentChange, SegmentService
from oneid.services.tags import TagService


@dataclass(frozen=True, slots=True)
class Imported:
    """How many customers were changed, and the lines that were left out, as errors with line and column."""

    changed: int
    faults: Sequence[OneIdError]


class ListImport:
    """Reads files; doing the same again changes nothing."""

    def __init__(self, tags: TagService, segments: SegmentService, customers: CustomerService) -> None:
        self._tags = tags
        self._segments = segments
        self._customers = customers

    async def tags(self, text: str, source: str) -> Imported:
        """Gives the tags of every line (type, value, tag) that can be done. Raises InvalidInput, TooLarge where the
        file can't be read at all."""
        faults: list[OneIdError] = []
        wanted: defaultdict[str, list[str]] = defaultdict(list)
        tree = await self._tags.tree()
        for line in listed(text, ("type", "value", "tag")):
            try:
                tag = tree.get(line.cells["tag"], line.place("tag"))
                wanted[tag.id].append(await self._owner(line))
            except OneIdError as error:
                faults.append(placed(error, line))
        changed = set[str]()
        for tag_id, people in wanted.items():
            if await self._tags.assign(people, [tag_id], AssignmentMethod.IMPORT, source):
                changed |= set(people)
        return Imported(len(changed), faults)

    async def members(self, name: str, text: str) -> Imported:
        """Puts whom the lines (type, value) name onto the list of a STATIC segment. Raises NotFound, Conflict,
        InvalidInput, TooLarge."""
        segment = await self._segments.get(name)
        faults: list[OneIdError] = []
        people: list[str] = []
        for line in listed(text, ("type", "value")):
            try:
                people.append(await self._owner(line))
            except OneIdError as error:
                faults.append(placed(error, line))
        unique = tuple(dict.fromkeys(people))
        if unique:
            await self._segments.update(segment.id, SegmentChange(add=unique, personal=False))
        return Imported(len(unique), faults)

    async def _owner(self, line: Line) -> str:
        kind, value = line.cells["type"], line.cells["value"]
        record = await self._customers.by_identifier(kind, value)
        if record is None:
            raise NotFound(f"nobody has the {kind} of this line", field=line.place("value"))
        return record.one_id


def placed(error: OneIdError, line: Line) -> OneIdError:
    """An error with its place in the file."""
    return type(error)(
        error.message, field=error.field if error.field[:1] == ("csv",) else line.place("type")
    )
