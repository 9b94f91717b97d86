"""Reading the tree of tags."""

from typing import Annotated

import strawberry

from api.graphql.context import Info
from api.graphql.fields import root
from api.graphql.scopes import Scope
from api.graphql.tags.types import Tag, tag_name

Root = Annotated[
    strawberry.ID | None,
    # `root` would be the object that a resolver belongs to.
    strawberry.argument(
        name="root", description="This tag with all below it, by global id or path; default: all."
    ),
]


@strawberry.type
class TagQueries:
    @root("Tags in order of their paths; empty if there is no such root.", Scope.SEGMENTS_READ, size=100)
    async def tags(self, info: Info, top: Root = None) -> list[Tag]:
        tree = await info.context.loaders.tag_tree.load(None)
        if top is None:
            return [Tag.from_domain(tag) for tag in tree.ordered]
        found = tree.find(tag_name(top))
        return [Tag.from_domain(tag) for tag in tree.below(found)] if found else []
