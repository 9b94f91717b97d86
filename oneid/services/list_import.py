"""Customers from a file: whoever an identifier names gets the tag of the line, or comes onto a list."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from oneid.domain.customers import CustomerRecord
from oneid.domain.imports.listed import Line, listed
from oneid.domain.segments.definitions import SegmentKind
from oneid.domain.tags.assignments import AssignmentMethod
from oneid.errors import Conflict, NotFound, OneIdError
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
        lines, tree = listed(text, ("type", "value", "tag")), await self._tags.tree()
        for line, owner in zip(lines, await self._owners(lines), strict=True):
            try:
                tag = tree.get(line.cells["tag"], line.place("tag"))
                wanted[tag.id].append(owned(line, owner))
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
        segment = await self._segments.get(name, ("segment",))
        if segment.kind is not SegmentKind.STATIC:
            message = f"the members of a {segment.kind} segment are not kept by hand"
            raise Conflict(message, field=("segment",))
        faults: list[OneIdError] = []
        people: list[str] = []
        lines = listed(text, ("type", "value"))
        for line, owner in zip(lines, await self._owners(lines), strict=True):
            try:
                people.append(owned(line, owner))
            except OneIdError as error:
                faults.append(placed(error, line))
        unique = tuple(dict.fromkeys(people))
        if unique:
            await self._segments.update(segment.id, SegmentChange(add=unique, personal=False))
        return Imported(len(unique), faults)

    async def _owners(self, lines: Sequence[Line]) -> list[CustomerRecord | None]:
        return await self._customers.by_identifiers(
            [(line.cells["type"], line.cells["value"]) for line in lines]
        )


def owned(line: Line, owner: CustomerRecord | None) -> str:
    """The ONE-ID of a line's owner. Raises NotFound."""
    if owner is None:
        raise NotFound(f"nobody has the {line.cells['type']} of this line", field=line.place("value"))
    return owner.one_id


def placed(error: OneIdError, line: Line) -> OneIdError:
    """An error with its place in the file."""
    return type(error)(
        error.message, field=error.field if error.field[:1] == ("csv",) else line.place("type")
    )
