"""What the mutations of tags take."""

from datetime import datetime
from enum import Enum
from typing import Any, cast

import strawberry
from strawberry.scalars import JSON

from api.graphql.customers.inputs import CustomerLookup
from api.graphql.scalars import DateTime
from api.graphql.segments.rules import SegmentRule
from api.graphql.tags.types import TagMethod, tag_name
from oneid.domain.messages import parse_time
from oneid.domain.tags.scorers import Scorer
from oneid.errors import InvalidInput
from oneid.services.tags import NewTag


@strawberry.input(
    description="A model: LOGISTIC {kind, intercept, coefficients} or TREE {kind, root: {feature, threshold, "
    "left, right} or {value}}. A feature is an attribute, or attribute=value: 1 if it is that."
)
class TagModelInput:
    definition: JSON = strawberry.field(description="The model itself.")
    least: float | None = strawberry.field(default=None, description="The least score that earns the tag.")
    below: float | None = strawberry.field(default=None, description="Scores from this one on don't.")


@strawberry.input(description="A tag to create.")
class CreateTagInput:
    name: str = strawberry.field(description="Its name among those beside it, without slashes.")
    parent: strawberry.ID | None = strawberry.field(
        default=None, description="The tag above, by global id or path; default: none."
    )
    method: TagMethod | None = strawberry.field(
        default=None,
        description="How it comes to customers by itself; default, and the only one taken: what follows from "
        "`rule`, `model` and `expression`, MANUAL without them.",
    )
    rule: SegmentRule | None = strawberry.field(
        default=None, description="Whoever it is true for has the tag."
    )
    model: TagModelInput | None = strawberry.field(default=None, description="Its score earns the tag.")
    expression: str | None = strawberry.field(
        default=None,
        description="In CEL, over `attributes` and `identifiers` (types): whoever it is true for has the tag.",
    )

    def to_domain(self) -> NewTag:
        """Raises InvalidInput."""
        parent = tag_name(self.parent) if self.parent else None
        new = NewTag(self.name, parent, written(self.rule), scorer(self.model, self.expression))
        if self.method and self.method.name != new.method:
            raise InvalidInput(f"what is given makes it a {new.method} tag", field=("method",))
        return new


@strawberry.input(description="Another rule, model or expression for a tag.")
class UpdateTagInput:
    tag: strawberry.ID = strawberry.field(description="Which, by global id or path.")
    rule: SegmentRule | None = strawberry.field(default=None, description="The rule of a RULE tag.")
    model: TagModelInput | None = strawberry.field(default=None, description="The model of a MODEL tag.")
    expression: str | None = strawberry.field(
        default=None, description="The expression of an EXPRESSION tag."
    )

    def to_domain(self) -> NewTag:
        """Raises InvalidInput."""
        return NewTag("", None, written(self.rule), scorer(self.model, self.expression))


@strawberry.input(description="Where a tag is to be, with all below it.")
class MoveTagInput:
    tag: strawberry.ID = strawberry.field(description="Which, by global id or path.")
    parent: strawberry.ID | None = strawberry.field(
        default=None, description="The tag that is to be above; default: none."
    )


@strawberry.input(description="A tag to delete, from everybody.")
class DeleteTagInput:
    tag: strawberry.ID = strawberry.field(description="Which, by global id or path; one without tags below.")


@strawberry.enum(description="Who gives a tag.")
class AssignmentMethod(Enum):
    MANUAL = strawberry.enum_value("MANUAL", description="A person.")
    JOURNEY = strawberry.enum_value("JOURNEY", description="A journey.")


@strawberry.input(description="Tags to give to customers, or to take from them.")
class AssignTagsInput:
    customers: list[CustomerLookup] = strawberry.field(description="Whom, at most 1,000 at a time.")
    tags: list[strawberry.ID] = strawberry.field(description="Which, by global id or path.")
    remove: bool = strawberry.field(default=False, description="Take them instead.")
    method: AssignmentMethod = strawberry.field(
        default=AssignmentMethod.MANUAL, description="Who gives them."
    )
    source: str = strawberry.field(default="manual", description="The name of who or what gives them.")
    until: DateTime | None = strawberry.field(
        default=None, description="When they go by themselves; default: never."
    )

    @property
    def end(self) -> datetime | None:
        return parse_time(self.until) if self.until else None


@strawberry.input(description="Tags to give from a file.")
class ImportTagsInput:
    csv: str = strawberry.field(
        description="Comma-separated lines under a header of type, value, tag: an identifier and a path. At "
        "most 1,000 lines and 1 MB."
    )
    source: str = strawberry.field(default="import", description="The name of the file or of who sends it.")


@strawberry.enum(description="A ready-made tree of tags for an industry.")
class TagPack(Enum):
    BEAUTY = strawberry.enum_value("BEAUTY", description="Beauty: 美妆.")
    MOTHER_AND_BABY = strawberry.enum_value("MOTHER_AND_BABY", description="Mother and baby: 母婴.")
    AIR_TRAVEL = strawberry.enum_value("AIR_TRAVEL", description="Air travel: 航旅.")
    EDUCATION = strawberry.enum_value("EDUCATION", description="Education: 教育.")
    RETAIL = strawberry.enum_value("RETAIL", description="Retail: 零售.")


@strawberry.input(description="Which ready-made tree to install.")
class InstallTagTemplatesInput:
    pack: TagPack = strawberry.field(description="The industry.")


def written(rule: SegmentRule | None) -> dict[str, Any] | None:
    return rule.to_domain() if rule else None


def scorer(model: TagModelInput | None, expression: str | None) -> Scorer | None:
    if model and expression is not None:
        raise InvalidInput("a tag has a model or an expression", field=("expression",))
    if model:
        return Scorer(model=definition(model), least=model.least, below=model.below)
    return Scorer(expression=expression) if expression is not None else None


def definition(model: TagModelInput) -> dict[str, Any]:
    told: Any = model.definition
    if not isinstance(told, dict):
        raise InvalidInput("must be an object", field=("model", "definition"))
    return cast("dict[str, Any]", told)
