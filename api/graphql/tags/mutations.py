"""Changing the tree of tags, and giving tags."""

import strawberry

from api.graphql.arguments import InputOf
from api.graphql.context import Info
from api.graphql.errors import BUSINESS, UserError
from api.graphql.fields import mutation
from api.graphql.scopes import Scope
from api.graphql.segments.mutations import one_ids
from api.graphql.tags.inputs import (
    AssignTagsInput,
    CreateTagInput,
    DeleteTagInput,
    ImportTagsInput,
    InstallTagTemplatesInput,
    MoveTagInput,
    UpdateTagInput,
)
from api.graphql.tags.types import Tag, tag_name
from oneid.domain.tags.assignments import AssignmentMethod


@strawberry.type(description="The answer to createTag.")
class CreateTagPayload:
    tag: Tag | None = strawberry.field(description="The tag.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was created; empty on success.")


@strawberry.type(description="The answer to updateTag.")
class UpdateTagPayload:
    tag: Tag | None = strawberry.field(description="The tag.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was changed; empty on success.")


@strawberry.type(description="The answer to moveTag.")
class MoveTagPayload:
    tag: Tag | None = strawberry.field(description="The tag where it is now.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was moved; empty on success.")


@strawberry.type(description="The answer to deleteTag.")
class DeleteTagPayload:
    deleted: bool = strawberry.field(description="Whether it is gone.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was deleted; empty on success.")


@strawberry.type(description="The answer to assignTags.")
class AssignTagsPayload:
    changed: int = strawberry.field(description="For how many customers that changed anything.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was changed; empty on success.")


@strawberry.type(description="The answer to importTags.")
class ImportTagsPayload:
    changed: int = strawberry.field(description="How many customers have new tags.")
    user_errors: list[UserError] = strawberry.field(
        description="The lines that were left out, as csv, line, column; the others were done."
    )


@strawberry.type(description="The answer to installTagTemplates.")
class InstallTagTemplatesPayload:
    created: list[Tag] = strawberry.field(description="The tags that were not there yet.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was created; empty on success.")


@strawberry.type
class TagMutations:
    @mutation("Creates a tag.", Scope.SEGMENTS_WRITE)
    async def create_tag(self, info: Info, input: InputOf[CreateTagInput]) -> CreateTagPayload:
        try:
            tag = await info.context.services.tags.create(input.to_domain(), personal=info.context.pii)
        except BUSINESS as error:
            return CreateTagPayload(tag=None, user_errors=[UserError.from_domain(error)])
        return CreateTagPayload(tag=Tag.from_domain(tag), user_errors=[])

    @mutation("Changes the rule, the model or the expression of a tag.", Scope.SEGMENTS_WRITE)
    async def update_tag(self, info: Info, input: InputOf[UpdateTagInput]) -> UpdateTagPayload:
        tags, personal = info.context.services.tags, info.context.pii
        try:
            tag = await tags.update(tag_name(input.tag), input.to_domain(), personal=personal)
        except BUSINESS as error:
            return UpdateTagPayload(tag=None, user_errors=[UserError.from_domain(error)])
        return UpdateTagPayload(tag=Tag.from_domain(tag), user_errors=[])

    @mutation("Moves a tag with all below it.", Scope.SEGMENTS_WRITE)
    async def move_tag(self, info: Info, input: InputOf[MoveTagInput]) -> MoveTagPayload:
        parent = tag_name(input.parent) if input.parent else None
        try:
            tag = await info.context.services.tags.move(tag_name(input.tag), parent)
        except BUSINESS as error:
            return MoveTagPayload(tag=None, user_errors=[UserError.from_domain(error)])
        return MoveTagPayload(tag=Tag.from_domain(tag), user_errors=[])

    @mutation("Deletes a tag, and takes it from everybody.", Scope.SEGMENTS_WRITE)
    async def delete_tag(self, info: Info, input: InputOf[DeleteTagInput]) -> DeleteTagPayload:
        try:
            await info.context.services.tags.delete(tag_name(input.tag))
        except BUSINESS as error:
            return DeleteTagPayload(deleted=False, user_errors=[UserError.from_domain(error)])
        return DeleteTagPayload(deleted=True, user_errors=[])

    @mutation("Gives tags to customers, or takes them.", Scope.CUSTOMERS_WRITE)
    async def assign_tags(self, info: Info, input: InputOf[AssignTagsInput]) -> AssignTagsPayload:
        tags, names = info.context.services.tags, [tag_name(name) for name in input.tags]
        try:
            people = await one_ids(info.context, input.customers, "customers")
            if input.remove:
                changed = await tags.unassign(people, names)
            else:
                method = AssignmentMethod(input.method.name)
                changed = await tags.assign(people, names, method, input.source, input.end)
        except BUSINESS as error:
            return AssignTagsPayload(changed=0, user_errors=[UserError.from_domain(error)])
        return AssignTagsPayload(changed=changed, user_errors=[])

    @mutation("Gives tags from a file, line by line.", Scope.CUSTOMERS_WRITE)
    async def import_tags(self, info: Info, input: InputOf[ImportTagsInput]) -> ImportTagsPayload:
        try:
            done = await info.context.services.list_import.tags(input.csv, input.source)
        except BUSINESS as error:
            return ImportTagsPayload(changed=0, user_errors=[UserError.from_domain(error)])
        return ImportTagsPayload(
            changed=done.changed, user_errors=[UserError.from_domain(fault) for fault in done.faults]
        )

    @mutation("Installs a ready-made tree; what is there stays as it is.", Scope.SEGMENTS_WRITE)
    async def install_tag_templates(
        self, info: Info, input: InputOf[InstallTagTemplatesInput]
    ) -> InstallTagTemplatesPayload:
        try:
            created = await info.context.services.tags.install(input.pack.name)
        except BUSINESS as error:
            return InstallTagTemplatesPayload(created=[], user_errors=[UserError.from_domain(error)])
        return InstallTagTemplatesPayload(created=list(map(Tag.from_domain, created)), user_errors=[])
