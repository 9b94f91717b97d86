"""Segments from files and as files."""

from enum import Enum
from typing import Any

import strawberry

from api.graphql.arguments import InputOf
from api.graphql.context import Context, Info
from api.graphql.errors import BUSINESS, UserError
from api.graphql.fields import mutation
from api.graphql.operations.types import Operation
from api.graphql.scopes import Scope, holds
from api.graphql.segments.reading import permit_rule
from api.graphql.segments.rules import SegmentRule, segment_name
from oneid.domain.catalog import Catalog
from oneid.errors import Forbidden, InvalidInput
from oneid.services.segment_export import KIND


@strawberry.enum(description="The form of a file.")
class ExportFormat(Enum):
    NDJSON = strawberry.enum_value("NDJSON", description="A JSON object a line.")
    CSV = strawberry.enum_value("CSV", description="Comma-separated rows under a header.")


@strawberry.input(description="Whom to write into a file, and what of them.")
class ExportSegmentInput:
    segment: strawberry.ID | None = strawberry.field(default=None, description="By global id or key.")
    rule: SegmentRule | None = strawberry.field(default=None, description="Whoever it is true for.")
    format: ExportFormat = strawberry.field(description="The form of the file.")
    attributes: list[str] | None = strawberry.field(
        default=None,
        description="Which attributes; default: all that are declared. Without `pii:read` only those, and no "
        "personal data.",
    )
    identifiers: list[str] | None = strawberry.field(
        default=None, description="Which types of identifiers; needs `pii:read`. Default: none."
    )

    async def to_domain(self, context: Context) -> dict[str, Any]:
        """The operation's input. Raises InvalidInput, NotFound, Forbidden and what reading the rule raises."""
        if (self.segment is None) == (self.rule is None):
            raise InvalidInput("give a segment or a rule", field=("segment",))
        if self.segment is not None and not holds(context.actor, Scope.SEGMENTS_READ):
            raise Forbidden(f"a segment needs the scope {Scope.SEGMENTS_READ}", field=("segment",))
        permit_rule(context, self.rule)
        if not context.pii:
            self._check(await context.services.attributes.catalog())
        name = "customers"
        written = self.rule.to_domain() if self.rule else {}
        if self.segment is not None:
            segment = await context.services.segments.get(segment_name(self.segment), ("segment",))
            name, written = segment.key, {"segment": segment.id}
        await context.services.audiences.read(written, personal=context.pii)
        return {
            "name": name,
            "rule": written,
            "format": self.format.name,
            "attributes": self.attributes,
            "identifiers": self.identifiers,
            "pii": context.pii,
        }

    def _check(self, catalog: Catalog) -> None:
        """Raises Forbidden where personal data are asked for by name, or what nobody has declared to be none."""
        if self.identifiers:
            raise Forbidden("identifiers need the scope pii:read", field=("identifiers",))
        for number, key in enumerate(self.attributes or ()):
            if key not in catalog.by_key or catalog.personal.cover(key):
                raise Forbidden(f"{key} needs the scope pii:read", field=("attributes", str(number)))


@strawberry.type(description="The answer to exportSegment.")
class ExportSegmentPayload:
    operation: Operation | None = strawberry.field(description="The work; null on failure.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was begun; empty on success.")


@strawberry.input(description="Who is to be on a list, from a file.")
class ImportMembersInput:
    segment: strawberry.ID = strawberry.field(description="A STATIC segment, by global id or key.")
    csv: str = strawberry.field(
        description="Comma-separated lines under a header of type, value: identifiers. At most 1,000 lines."
    )


@strawberry.type(description="The answer to importMembers.")
class ImportMembersPayload:
    found: int = strawberry.field(description="How many customers the file names.")
    user_errors: list[UserError] = strawberry.field(
        description="The lines that were left out, as csv, line, column; the others were done."
    )


@strawberry.type
class SegmentFileMutations:
    @mutation("Writes who is in a segment, or whom a rule is true for, into a file.", Scope.CUSTOMERS_READ)
    async def export_segment(self, info: Info, input: InputOf[ExportSegmentInput]) -> ExportSegmentPayload:
        scope = Scope.PII_READ if info.context.pii else Scope.CUSTOMERS_READ
        try:
            wanted = await input.to_domain(info.context)
            operation = await info.context.services.operations.start(
                KIND, wanted, scope=scope.value, actor=info.context.actor.id
            )
        except BUSINESS as error:
            return ExportSegmentPayload(operation=None, user_errors=[UserError.from_domain(error)])
        return ExportSegmentPayload(operation=Operation.from_domain(operation), user_errors=[])

    @mutation("Puts whom a file names onto a list.", Scope.SEGMENTS_WRITE)
    async def import_members(self, info: Info, input: InputOf[ImportMembersInput]) -> ImportMembersPayload:
        try:
            done = await info.context.services.list_import.members(segment_name(input.segment), input.csv)
        except BUSINESS as error:
            return ImportMembersPayload(found=0, user_errors=[UserError.from_domain(error)])
        faults = [UserError.from_domain(fault) for fault in done.faults]
        return ImportMembersPayload(found=done.changed, user_errors=faults)
