"""The customer and what hangs on it."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Final

import strawberry
from strawberry.scalars import JSON

from api.graphql.context import Context, Info
from api.graphql.events.types import Event
from api.graphql.fields import field
from api.graphql.identity.types import IdentifierValue, IdentityDecision
from api.graphql.loaders import EventsOf, MembersOf
from api.graphql.masking import Reader
from api.graphql.paging import decision_connection, event_connection
from api.graphql.relay import (
    After,
    Connection,
    First,
    Node,
    decode_cursor,
    encode_cursor,
    encode_id,
    page,
)
from api.graphql.scalars import DateTime
from oneid.domain import households as domain
from oneid.domain.customers import AttributeValue, CustomerRecord, LinkedIdentifier

if TYPE_CHECKING:
    from api.graphql.consents.types import Consent
    from api.graphql.lifecycles.types import LifecyclePosition, StageChange
    from api.graphql.scores.types import ScoreCard
    from api.graphql.segments.types import Segment
    from api.graphql.tags.types import TagAssignment


@strawberry.enum(description="Who collected a value.")
class DataParty(Enum):
    FIRST = strawberry.enum_value("FIRST", description="The brand itself.")
    SECOND = strawberry.enum_value("SECOND", description="A partner.")
    THIRD = strawberry.enum_value("THIRD", description="Somebody else.")


@strawberry.type(description="An identifier of a customer.")
class Identifier:
    type: str = strawberry.field(description="The declared type, such as phone.")
    value: str = strawberry.field(description="The normalised value; masked without `pii:read`.")
    first_seen_at: DateTime = strawberry.field(description="Time of the earliest event that named it.")
    last_seen_at: DateTime = strawberry.field(description="Time of the latest event that named it.")
    verified: bool = strawberry.field(description="Whether the person proved it, by a one-time code, say.")
    source: str | None = strawberry.field(description="Who named it first: the key's name.")

    @classmethod
    def from_domain(cls, linked: LinkedIdentifier, reader: Reader) -> "Identifier":
        return cls(
            type=linked.identifier.type,
            value=reader.identifier(linked.identifier),
            first_seen_at=DateTime(linked.first_seen_at),
            last_seen_at=DateTime(linked.last_seen_at),
            verified=linked.verified,
            source=linked.source,
        )


@strawberry.type(description="A value known about a customer.")
class Attribute:
    key: str = strawberry.field(description="The attribute's name.")
    value: JSON = strawberry.field(description="The value; personal data are masked without `pii:read`.")
    source: str = strawberry.field(description="Who sent it: the key's name, or what the sender called it.")
    party: DataParty = strawberry.field(description="Who collected it.")
    updated_at: DateTime = strawberry.field(description="Time of the event that set it.")

    @classmethod
    def from_domain(cls, key: str, attribute: AttributeValue, context: Context) -> "Attribute":
        return cls(
            key=key,
            value=shown(key, attribute, context),
            source=attribute.source,
            party=DataParty[attribute.party.name],
            updated_at=DateTime(attribute.updated_at),
        )


def shown(key: str, attribute: AttributeValue, context: Context) -> JSON:
    return JSON(context.reader.attribute(key, attribute.value))


@strawberry.type(description="A person as the brand knows them: one ONE-ID, all identifiers, all attributes.")
class Customer(Node):
    one_id: str = strawberry.field(description="The ONE-ID: stable, never given to anybody else.")
    former_one_ids: list[str] = strawberry.field(
        description="ONE-IDs that were merged into this one; they find it for ever."
    )
    version: int = strawberry.field(description="Grows with each change; good for `expectedVersion`.")
    created_at: DateTime = strawberry.field(description="When the customer was first seen.")
    updated_at: DateTime = strawberry.field(description="When the customer last changed.")
    record: strawberry.Private[CustomerRecord]

    @field("The identifiers, in the order in which they were linked.")
    def identifiers(
        self,
        info: Info,
        type: Annotated[str | None, strawberry.argument(description="Of this type only.")] = None,
    ) -> list[Identifier]:
        reader = info.context.reader
        wanted = (i for i in self.record.identifiers if type in (None, i.identifier.type))
        return [Identifier.from_domain(linked, reader) for linked in wanted]

    @field("The attributes that are set, by name.")
    def attributes(
        self,
        info: Info,
        keys: Annotated[list[str] | None, strawberry.argument(description="These only.")] = None,
    ) -> list[Attribute]:
        wanted = sorted((k, a) for k, a in self.record.attributes.items() if keys is None or k in keys)
        return [Attribute.from_domain(key, a, info.context) for key, a in wanted if a.value is not None]

    @field("One attribute's value; null if it is not set.")
    def attribute(
        self, info: Info, key: Annotated[str, strawberry.argument(description="The attribute's name.")]
    ) -> JSON | None:
        attribute = self.record.attributes.get(key)
        return shown(key, attribute, info.context) if attribute else None

    @field("What the customer did, newest first.")
    async def events(
        self,
        info: Info,
        names: Annotated[list[str] | None, strawberry.argument(description="Of these names only.")] = None,
        since: Annotated[DateTime | None, strawberry.argument(description="At this time or later.")] = None,
        until: Annotated[DateTime | None, strawberry.argument(description="Before this time.")] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[Event]:
        asked = EventsOf.customer(self.record, names, since, until, page(first, after))
        return event_connection(await info.context.loaders.events.load(asked), info.context)

    @field("How this customer came to be: the identity decisions, oldest first.")
    async def decisions(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[IdentityDecision]:
        return await decision_connection(info.context, self.one_ids, page(first, after))

    @field("The households that the customer is a member of, the first one known first.", size=2)
    async def households(self, info: Info) -> "list[Household]":
        found = await info.context.loaders.homes.load(self.record.one_id)
        return [Household.from_domain(household, info.context.reader) for household in found]

    @field("The segments that the customer is in now, in order of their keys.", size=10)
    async def segments(
        self, info: Info
    ) -> list[Annotated["Segment", strawberry.lazy("api.graphql.segments.types")]]:
        # Segments have customers as members, and their module imports this one.
        from api.graphql.segments.types import Segment

        return list(map(Segment.from_domain, await info.context.loaders.memberships.load(self.record.one_id)))

    @field("The tags that the customer has now, in order of their paths.", size=10)
    async def tags(
        self, info: Info
    ) -> list[Annotated["TagAssignment", strawberry.lazy("api.graphql.tags.types")]]:
        from api.graphql.tags.types import TagAssignment

        held = await info.context.loaders.tags.load(self.record.one_id)
        return list(map(TagAssignment.from_domain, held))

    @field("Where the customer is in each lifecycle.", size=5)
    async def lifecycle_stages(
        self, info: Info
    ) -> list[Annotated["LifecyclePosition", strawberry.lazy("api.graphql.lifecycles.types")]]:
        from api.graphql.lifecycles.types import LifecyclePosition

        found = await info.context.loaders.stages.load(self.record.one_id)
        return [LifecyclePosition.from_domain(*pair) for pair in found]

    @field("How the customer went from stage to stage, the newest first; at most 500 steps.")
    async def stage_changes(
        self,
        info: Info,
        lifecycle: Annotated[
            str | None, strawberry.argument(description="In the lifecycle of this key only.")
        ] = None,
    ) -> list[Annotated["StageChange", strawberry.lazy("api.graphql.lifecycles.types")]]:
        from api.graphql.lifecycles.types import StageChange

        found = await info.context.loaders.stage_changes.load(self.one_ids)
        return [StageChange.from_domain(*pair) for pair in found if lifecycle in (None, pair[0].key)]

    @field("What counts for each channel and purpose that the customer spoke of, in their order.")
    async def consents(
        self, info: Info
    ) -> list[Annotated["Consent", strawberry.lazy("api.graphql.consents.types")]]:
        from api.graphql.consents.types import Consent

        found = await info.context.loaders.consents.load(self.record.one_id)
        return [Consent.from_domain(history, info.context.pii) for history in found]

    @field("The scores by a model, now; null if there is no such model.")
    async def scores(
        self, info: Info, model: Annotated[str, strawberry.argument(description="The model's key.")]
    ) -> Annotated["ScoreCard", strawberry.lazy("api.graphql.scores.types")] | None:
        from api.graphql.scores.types import ScoreCard

        card = await info.context.loaders.scores(model).load(self.record.one_id)
        return ScoreCard.from_domain(card) if card else None

    @property
    def one_ids(self) -> tuple[str, ...]:
        """Every ONE-ID that this customer has had."""
        return (self.record.one_id, *self.record.former_one_ids)

    @classmethod
    def from_domain(cls, record: CustomerRecord) -> "Customer":
        return cls(
            id=encode_id("Customer", record.one_id),
            one_id=record.one_id,
            former_one_ids=list(record.former_one_ids),
            version=record.version,
            created_at=DateTime(record.created_at),
            updated_at=DateTime(record.updated_at),
            record=record,
        )

    @classmethod
    def from_optional(cls, record: CustomerRecord | None) -> "Customer | None":
        return cls.from_domain(record) if record else None


MEMBER_CURSOR: Final = "member"


@strawberry.type(
    description="What several people share, such as a landline. It stands above them and joins none."
)
class Household(Node):
    identifier: IdentifierValue = strawberry.field(
        description="What names it; masked without `pii:read`, whatever its type."
    )
    created_at: DateTime = strawberry.field(description="When it was first named.")
    key: strawberry.Private[str]

    @field("The customers who belong to it, in the order of their ONE-IDs.")
    async def members(self, info: Info, first: First = None, after: After = None) -> Connection[Customer]:
        asked, loaders = page(first, after), info.context.loaders
        (start,) = decode_cursor(MEMBER_CURSOR, after, str) or [""]
        found = await loaders.members.load(MembersOf(self.key, asked.size + 1, start))
        items = [
            (encode_cursor(MEMBER_CURSOR, record.one_id), Customer.from_domain(record))
            for record in found[: asked.size]
        ]
        return Connection[Customer].of(
            items,
            has_next=len(found) > asked.size,
            has_previous=after is not None,
            count=lambda: loaders.member_counts.load(self.key),
        )

    @classmethod
    def from_domain(cls, household: domain.Household, reader: Reader) -> "Household":
        value = reader.household(household.identifier)
        return cls(
            id=encode_id("Household", household.id),
            identifier=IdentifierValue(type=household.identifier.type, value=value),
            created_at=DateTime(household.created_at),
            key=household.id,
        )
