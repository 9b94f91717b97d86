"""The identity rules as types and inputs."""

from enum import Enum

import strawberry

from oneid.domain import rules as domain


@strawberry.enum(description="How values of a type are normalised.")
class IdentifierNormalizer(Enum):
    NONE = strawberry.enum_value("NONE", description="Trimmed; case kept.")
    LOWER = strawberry.enum_value("LOWER", description="Trimmed, lower case.")
    EMAIL = strawberry.enum_value("EMAIL", description="Trimmed, lower case.")
    PHONE = strawberry.enum_value("PHONE", description="E.164; impossible numbers are dropped.")


@strawberry.enum(description="What becomes of a shared device's identifier that a login could not claim.")
class SharedIdentifierPolicy(Enum):
    FIRST_OWNER = strawberry.enum_value("FIRST_OWNER", description="It keeps its owner.")
    LAST_LOGIN = strawberry.enum_value("LAST_LOGIN", description="It moves to whoever logged in last.")
    QUARANTINE = strawberry.enum_value("QUARANTINE", description="It belongs to nobody any more.")


@strawberry.type(description="The rule of one identifier type.")
class IdentifierTypeRule:
    type: str = strawberry.field(description="The type's name.")
    priority: int = strawberry.field(description="Strength; 1 is strongest.")
    limit: int = strawberry.field(description="How many values a customer may hold; 0: unlimited.")
    window_days: int = strawberry.field(description="Only values seen within so many days count; 0: ever.")
    joins_people: bool = strawberry.field(description="Whether it links customers.")
    household: bool = strawberry.field(description="Whether it names a household rather than a person.")
    transfer_on_verified: bool = strawberry.field(description="Whether it moves to a customer who proves it.")
    generic_after: int = strawberry.field(
        description="A value seen with more than so many anchors names nobody any more; 0: never."
    )
    generic_anchor: str = strawberry.field(description="The type whose values are counted for that.")
    normalizer: IdentifierNormalizer = strawberry.field(description="How its values are normalised.")

    @classmethod
    def from_domain(cls, rule: domain.IdentifierType) -> "IdentifierTypeRule":
        return cls(
            type=rule.type,
            priority=rule.priority,
            limit=rule.limit,
            window_days=rule.window_days,
            joins_people=rule.joins_people,
            household=rule.household,
            transfer_on_verified=rule.transfer_on_verified,
            generic_after=rule.generic_after,
            generic_anchor=rule.generic_anchor,
            normalizer=IdentifierNormalizer[rule.normalizer.value],
        )


@strawberry.type(description="Values that identify nobody.")
class BlockedValue:
    type: str | None = strawberry.field(description="For this type only; null: for every type.")
    regex: str | None = strawberry.field(description="Values that match this.")
    exact: str | None = strawberry.field(description="Exactly this value.")
    except_types: list[str] = strawberry.field(
        description="The types that a value blocked for every type does count for: it was unblocked for them."
    )

    @classmethod
    def from_domain(cls, blocked: domain.BlockedValue) -> "BlockedValue":
        return cls(
            type=blocked.type, regex=blocked.regex, exact=blocked.exact, except_types=list(blocked.but)
        )


@strawberry.type(description="All identity rules at one version.")
class IdentityRules:
    version: int = strawberry.field(description="Grows with each change.")
    types: list[IdentifierTypeRule] = strawberry.field(description="The declared types, strongest first.")
    blocked: list[BlockedValue] = strawberry.field(description="Values that identify nobody.")
    max_merges: int = strawberry.field(description="How many merges a customer may have taken part in.")
    max_identifiers: int = strawberry.field(description="How many identifiers a customer may hold.")
    alias_merges: bool = strawberry.field(description="Whether an alias message merges.")
    shared_identifier_policy: SharedIdentifierPolicy = strawberry.field(
        description="What becomes of a shared device's identifier."
    )
    consent_required: bool = strawberry.field(description="Whether linking needs consent in the message.")

    @classmethod
    def from_domain(cls, rules: domain.IdentityRules) -> "IdentityRules":
        types = sorted(rules.types, key=lambda rule: (rule.priority, rule.type))
        return cls(
            version=rules.version,
            types=[IdentifierTypeRule.from_domain(rule) for rule in types],
            blocked=[BlockedValue.from_domain(blocked) for blocked in rules.blocked],
            max_merges=rules.max_merges,
            max_identifiers=rules.max_identifiers,
            alias_merges=rules.alias_merges,
            shared_identifier_policy=SharedIdentifierPolicy[rules.shared_identifier_policy.value],
            consent_required=rules.consent_required,
        )


@strawberry.input(
    description="What to change of one type; what is not given stays. An unknown type is declared."
)
class IdentifierTypeRuleInput:
    type: str = strawberry.field(description="The type's name.")
    priority: int | None = strawberry.field(default=None, description="Strength; 1 is strongest.")
    limit: int | None = strawberry.field(default=None, description="Values per customer; 0: unlimited.")
    window_days: int | None = strawberry.field(default=None, description="Window in days; 0: ever.")
    joins_people: bool | None = strawberry.field(default=None, description="Whether it links customers.")
    household: bool | None = strawberry.field(default=None, description="Whether it names a household.")
    transfer_on_verified: bool | None = strawberry.field(
        default=None, description="Whether it moves to a customer who proves it."
    )
    generic_after: int | None = strawberry.field(
        default=None, description="Anchors after which a value names nobody any more; 0: never."
    )
    generic_anchor: str | None = strawberry.field(
        default=None, description="The type whose values are counted for that; default user_id."
    )
    normalizer: IdentifierNormalizer | None = strawberry.field(
        default=None, description="How its values are normalised."
    )

    def to_domain(self) -> domain.TypeChange:
        return domain.TypeChange(
            type=self.type,
            priority=self.priority,
            limit=self.limit,
            window_days=self.window_days,
            joins_people=self.joins_people,
            household=self.household,
            transfer_on_verified=self.transfer_on_verified,
            generic_after=self.generic_after,
            generic_anchor=self.generic_anchor,
            normalizer=domain.Normalizer(self.normalizer.name) if self.normalizer else None,
        )


@strawberry.input(description="Values that identify nobody: give exact or regex.")
class BlockedValueInput:
    type: str | None = strawberry.field(default=None, description="For this type only; null: for every type.")
    regex: str | None = strawberry.field(default=None, description="Values that match this.")
    exact: str | None = strawberry.field(default=None, description="Exactly this value.")

    def to_domain(self) -> domain.BlockedValue:
        return domain.BlockedValue(type=self.type, regex=self.regex, exact=self.exact)


@strawberry.input(description="A change of the identity rules; only what is given changes.")
class UpdateIdentityRulesInput:
    reset: bool | None = strawberry.field(
        default=False, description="To the defaults first, then what follows."
    )
    types: list[IdentifierTypeRuleInput] | None = strawberry.field(
        default=None, description="Types to change or to declare."
    )
    block: list[BlockedValueInput] | None = strawberry.field(default=None, description="Values to block.")
    unblock: list[BlockedValueInput] | None = strawberry.field(
        default=None,
        description="Blocks to lift, written as they were given; with a type, what is blocked for every type is lifted"
        " for that one.",
    )
    max_merges: int | None = strawberry.field(default=None, description="Merges per customer.")
    max_identifiers: int | None = strawberry.field(default=None, description="Identifiers per customer.")
    alias_merges: bool | None = strawberry.field(default=None, description="Whether an alias message merges.")
    shared_identifier_policy: SharedIdentifierPolicy | None = strawberry.field(
        default=None, description="What becomes of a shared device's identifier."
    )
    consent_required: bool | None = strawberry.field(
        default=None, description="Whether linking needs consent."
    )

    def to_domain(self) -> domain.RulesChange:
        policy = self.shared_identifier_policy
        return domain.RulesChange(
            reset=bool(self.reset),
            types=tuple(change.to_domain() for change in self.types or ()),
            block=tuple(blocked.to_domain() for blocked in self.block or ()),
            unblock=tuple(blocked.to_domain() for blocked in self.unblock or ()),
            max_merges=self.max_merges,
            max_identifiers=self.max_identifiers,
            alias_merges=self.alias_merges,
            shared_identifier_policy=domain.SharedIdentifierPolicy(policy.name) if policy else None,
            consent_required=self.consent_required,
        )
