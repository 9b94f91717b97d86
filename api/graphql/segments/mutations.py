"""Creating and changing segments."""

import strawberry

from api.graphql.arguments import InputOf
from api.graphql.context import Context, Info
from api.graphql.customers.inputs import CustomerLookup, get_all
from api.graphql.errors import BUSINESS, UserError
from api.graphql.fields import mutation
from api.graphql.relay import encode_id
from api.graphql.scopes import Scope
from api.graphql.segments.rules import SegmentRule, segment_name
from api.graphql.segments.types import Segment, SegmentKind
from oneid.domain.segments import definitions
from oneid.errors import TooLarge
from oneid.services.segments import MAX_MEMBERS, NewSegment, SegmentChange


@strawberry.input(description="A segment to create.")
class CreateSegmentInput:
    key: str = strawberry.field(description="Its name in code: small letters, digits, _ or -.")
    name: str = strawberry.field(description="Its name for people.")
    kind: SegmentKind | None = strawberry.field(
        default=None, description="Default: DYNAMIC with a rule, STATIC without one."
    )
    rule: SegmentRule | None = strawberry.field(
        default=None, description="Who is in it; of a SNAPSHOT who is put in it now."
    )
    members: list[CustomerLookup] | None = strawberry.field(
        default=None, description="Who is in a STATIC segment, at most 1,000 at a time."
    )

    async def to_domain(self, context: Context) -> NewSegment:
        kind = self.kind.name if self.kind else "DYNAMIC" if self.rule else "STATIC"
        return NewSegment(
            key=self.key,
            name=self.name,
            kind=definitions.SegmentKind(kind),
            rule=self.rule.to_domain() if self.rule else None,
            members=await one_ids(context, self.members, "members"),
            personal=context.pii,
        )


@strawberry.input(description="A change of a segment; what is not given stays.")
class UpdateSegmentInput:
    id: strawberry.ID = strawberry.field(description="Which: its global id, or its key.")
    name: str | None = strawberry.field(default=None, description="Its new name for people.")
    rule: SegmentRule | None = strawberry.field(default=None, description="Its new rule.")
    add: list[CustomerLookup] | None = strawberry.field(
        default=None, description="Who joins a STATIC segment, at most 1,000 at a time."
    )
    remove: list[CustomerLookup] | None = strawberry.field(
        default=None, description="Who leaves a STATIC segment, at most 1,000 at a time."
    )
    announced: bool = strawberry.field(
        default=False,
        description="Whether those whom the new rule brings in have entered, and the others left; default: "
        "they are in or out without having moved.",
    )
    expected_version: int | None = strawberry.field(
        default=None, description="Refuse with VERSION_CONFLICT unless this is the version."
    )

    async def to_domain(self, context: Context) -> SegmentChange:
        return SegmentChange(
            name=self.name,
            rule=self.rule.to_domain() if self.rule else None,
            add=await one_ids(context, self.add, "add"),
            remove=await one_ids(context, self.remove, "remove"),
            expected_version=self.expected_version,
            announced=self.announced,
            personal=context.pii,
        )


@strawberry.input(description="A segment to delete.")
class DeleteSegmentInput:
    id: strawberry.ID = strawberry.field(description="Which: its global id, or its key.")
    expected_version: int | None = strawberry.field(
        default=None, description="Refuse with VERSION_CONFLICT unless this is the version."
    )


async def one_ids(context: Context, lookups: list[CustomerLookup] | None, field: str) -> list[str]:
    """Whom the lookups name. Raises TooLarge; NotFound with the place of one that names nobody."""
    if len(lookups or ()) > MAX_MEMBERS:
        raise TooLarge(f"at most {MAX_MEMBERS} customers at a time", field=(field,))
    return [record.one_id for record in await get_all(context, lookups or (), field)]


@strawberry.type(description="The answer to createSegment.")
class CreateSegmentPayload:
    segment: Segment | None = strawberry.field(description="The segment.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was created; empty on success.")


@strawberry.type(description="The answer to updateSegment.")
class UpdateSegmentPayload:
    segment: Segment | None = strawberry.field(description="The segment after the change.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was changed; empty on success.")


@strawberry.type(description="The answer to deleteSegment.")
class DeleteSegmentPayload:
    deleted_id: strawberry.ID | None = strawberry.field(description="The global id of what is gone.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was deleted; empty on success.")


@strawberry.type
class SegmentMutations:
    @mutation("Creates a segment, which can be asked at once.", Scope.SEGMENTS_WRITE)
    async def create_segment(self, info: Info, input: InputOf[CreateSegmentInput]) -> CreateSegmentPayload:
        try:
            segment = await info.context.services.segments.create(await input.to_domain(info.context))
        except BUSINESS as error:
            return CreateSegmentPayload(segment=None, user_errors=[UserError.from_domain(error)])
        return CreateSegmentPayload(segment=Segment.from_domain(segment), user_errors=[])

    @mutation("Changes a segment.", Scope.SEGMENTS_WRITE)
    async def update_segment(self, info: Info, input: InputOf[UpdateSegmentInput]) -> UpdateSegmentPayload:
        try:
            change = await input.to_domain(info.context)
            segment = await info.context.services.segments.update(segment_name(input.id), change)
        except BUSINESS as error:
            return UpdateSegmentPayload(segment=None, user_errors=[UserError.from_domain(error)])
        return UpdateSegmentPayload(segment=Segment.from_domain(segment), user_errors=[])

    @mutation(
        "Deletes a segment that no rule names, with its transitions; nobody leaves it by that.",
        Scope.SEGMENTS_WRITE,
    )
    async def delete_segment(self, info: Info, input: InputOf[DeleteSegmentInput]) -> DeleteSegmentPayload:
        deletion = info.context.services.segment_deletion
        try:
            segment = await deletion.delete(segment_name(input.id), input.expected_version)
        except BUSINESS as error:
            return DeleteSegmentPayload(deleted_id=None, user_errors=[UserError.from_domain(error)])
        return DeleteSegmentPayload(deleted_id=encode_id("Segment", segment.id), user_errors=[])
