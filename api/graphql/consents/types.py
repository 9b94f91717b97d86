"""What customers allowed and took back, with the proof of it."""

from enum import Enum
from typing import Final

import strawberry
from strawberry.scalars import JSON

from api.graphql.scalars import DateTime
from oneid.domain import consents

MAX_HISTORY: Final = 100


@strawberry.enum(description="What a customer said.")
class ConsentState(Enum):
    GRANTED = strawberry.enum_value("GRANTED", description="Consent is given.")
    WITHDRAWN = strawberry.enum_value("WITHDRAWN", description="Consent is withdrawn, or refused.")


@strawberry.type(description="What was said at one time.")
class ConsentChange:
    state: ConsentState = strawberry.field(description="What was said.")
    at: DateTime = strawberry.field(description="When it was set.")
    source: str = strawberry.field(description="Who set it: the key's name, or what the caller said.")
    evidence: JSON | None = strawberry.field(
        description="How it was given, as it was told; null without `pii:read`."
    )

    @classmethod
    def from_domain(cls, change: consents.ConsentChange, pii: bool) -> "ConsentChange":
        return cls(
            state=ConsentState[change.consent.state.name],
            at=DateTime(change.consent.at),
            source=change.source,
            evidence=JSON(change.evidence) if pii and change.evidence is not None else None,
        )


@strawberry.type(description="What a customer said of a channel and a purpose.")
class Consent:
    channel: str = strawberry.field(description="The channel, in small letters; all: each one.")
    purpose: str = strawberry.field(description="What for, in small letters.")
    state: ConsentState = strawberry.field(description="What was said last of this channel.")
    effective: ConsentState = strawberry.field(
        description="What counts: that, or what was said later of all channels."
    )
    at: DateTime = strawberry.field(description="When it was set.")
    source: str = strawberry.field(description="Who set it.")
    evidence: JSON | None = strawberry.field(
        description="How it was given, as it was told; null without `pii:read`."
    )
    history: list[ConsentChange] = strawberry.field(
        description=f"What was ever said, the newest first, at most {MAX_HISTORY}; exportCustomer tells all."
    )

    @classmethod
    def from_domain(cls, history: consents.ConsentHistory, pii: bool) -> "Consent":
        channel, purpose = history.pair
        told = [ConsentChange.from_domain(change, pii) for change in history.changes]
        return cls(
            channel=channel,
            purpose=purpose,
            state=told[0].state,
            effective=ConsentState[history.effective.name],
            at=told[0].at,
            source=told[0].source,
            evidence=told[0].evidence,
            history=told[:MAX_HISTORY],
        )
