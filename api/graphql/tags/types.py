"""Tags, and the tags that customers have."""

from enum import Enum

import strawberry
from strawberry.scalars import JSON

from api.graphql.context import Context, Info
from api.graphql.fields import field
from api.graphql.relay import Node, encode_id
from api.graphql.scalars import DateTime
from api.graphql.segments.readable import readable
from api.graphql.segments.rules import own_id
from api.graphql.segments.transitions import told
from oneid.domain.tags import tree
from oneid.services import tags as service


@strawberry.enum(description="How a tag comes to customers.")
class TagMethod(Enum):
    MANUAL = strawberry.enum_value("MANUAL", description="By hand.")
    IMPORT = strawberry.enum_value("IMPORT", description="From a file; only of what a customer was given.")
    JOURNEY = strawberry.enum_value("JOURNEY", description="By a journey; only of what a customer was given.")
    RULE = strawberry.enum_value("RULE", description="Whoever its rule is true for, as long as it is.")
    MODEL = strawberry.enum_value("MODEL", description="By the score that a model computes.")
    EXPRESSION = strawberry.enum_value("EXPRESSION", description="By an expression.")


@strawberry.type(description="A tag in its tree. It can be given to customers whatever its own method is.")
class Tag(Node):
    name: str = strawberry.field(description="Its name among those beside it.")
    path: str = strawberry.field(description="The names from the top, with slashes between.")
    method: TagMethod = strawberry.field(description="How it comes to customers by itself.")
    created_at: DateTime = strawberry.field(description="When it was created.")
    tag: strawberry.Private[tree.Tag]

    @field("The rule as it was written. What personal data are compared with needs `pii:read`.")
    async def rule_json(self, info: Info) -> JSON | None:
        return None if self.tag.rule is None else await readable(info.context, self.tag.rule)

    @field("The expression; null without `pii:read` if it reads personal data.")
    def expression(self, info: Info) -> str | None:
        return info.context.reader.scorer(self.tag.scorer).expression if self.tag.scorer else None

    @field("The model, with the scores that earn the tag; null without `pii:read` if it reads personal data.")
    def model(self, info: Info) -> JSON | None:
        scorer = info.context.reader.scorer(self.tag.scorer) if self.tag.scorer else None
        if scorer is None or scorer.model is None:
            return None
        return JSON({"model": scorer.model, "least": scorer.least, "below": scorer.below})

    @field("The tag above; null at the top.")
    async def parent(self, info: Info) -> "Tag | None":
        found = (await info.context.loaders.tag_tree.load(None)).by_path.get(self.tag.parent_path)
        return Tag.from_domain(found) if found else None

    @field("The tags directly below, by name.", size=10)
    async def children(self, info: Info) -> list["Tag"]:
        known = await info.context.loaders.tag_tree.load(None)
        return [Tag.from_domain(one) for one in known.children(self.path)]

    @field("How many customers have it now.")
    async def count(self, info: Info) -> int:
        return await info.context.loaders.tag_counts.load((self.tag.id, False))

    @field("How many customers have it or one below it now, each counted once.")
    async def roll_up_count(self, info: Info) -> int:
        return await info.context.loaders.tag_counts.load((self.tag.id, True))

    @classmethod
    def from_domain(cls, tag: tree.Tag) -> "Tag":
        return cls(
            id=encode_id("Tag", tag.id),
            name=tag.name,
            path=tag.path,
            method=TagMethod[tag.method.name],
            created_at=DateTime(tag.created_at),
            tag=tag,
        )


@strawberry.type(description="A tag that a customer has now.")
class TagAssignment:
    tag: Tag = strawberry.field(description="The tag.")
    method: TagMethod = strawberry.field(description="How the customer came to it.")
    source: str | None = strawberry.field(
        description="The name of who or what gave it; of a rule, a model or an expression its version in the tag, "
        "such as rule@2."
    )
    assigned_at: DateTime | None = strawberry.field(
        description="When it was given; by a rule since when it has been true, or since it was made or changed. Of "
        "models and expressions that is not kept."
    )
    expires_at: DateTime | None = strawberry.field(description="When it goes by itself.")

    @classmethod
    def from_domain(cls, held: service.Held) -> "TagAssignment":
        return cls(
            tag=Tag.from_domain(held.tag),
            method=TagMethod[held.method],
            source=held.source,
            assigned_at=None if held.at is None else told(held.at),
            expires_at=None if held.until is None else told(held.until),
        )


def tag_name(name: str) -> str:
    """The id of a tag by its global id; anything else is taken for a path."""
    return own_id("Tag", name)


async def tag_node(context: Context, key: str) -> Tag | None:
    """A tag by its own id."""
    found = (await context.loaders.tag_tree.load(None)).by_id.get(key)
    return Tag.from_domain(found) if found else None
