"""Rules, evidence and the audit log."""

from typing import Annotated

import strawberry

from api.graphql.charges import AGGREGATION
from api.graphql.context import Info
from api.graphql.customers.inputs import CustomerLookup
from api.graphql.fields import root
from api.graphql.identity.evidence import IdentityExplanation
from api.graphql.identity.health import HEALTH_ROWS, IdentityHealth
from api.graphql.identity.log import LogFilter, decision_log
from api.graphql.identity.rules import IdentityRules
from api.graphql.identity.types import IdentityDecision, IdentityDecisionKind
from api.graphql.relay import After, Connection, First, page
from api.graphql.scalars import DateTime
from api.graphql.scopes import Scope

Side = Annotated[CustomerLookup, strawberry.argument(description="One of the two.")]


@strawberry.type
class IdentityQueries:
    @root("The rules by which identities are resolved.", Scope.CUSTOMERS_READ)
    async def identity_rules(self, info: Info) -> IdentityRules:
        return IdentityRules.from_domain(await info.context.services.identity.rules())

    @root("Why two are one customer, or what keeps them apart.", Scope.CUSTOMERS_READ, weight=AGGREGATION)
    async def why(self, info: Info, a: Side, b: Side) -> IdentityExplanation:
        parties = await a.party(info.context, "a"), await b.party(info.context, "b")
        explanation = await info.context.services.identity.why(*parties)
        return IdentityExplanation.from_domain(explanation, info.context.reader)

    @root("The audit log: every identity decision, in processing order.", Scope.CUSTOMERS_READ)
    async def identity_decisions(
        self,
        info: Info,
        message_id: Annotated[str | None, strawberry.argument(description="Of this message.")] = None,
        one_id: Annotated[
            str | None, strawberry.argument(description="About this customer, under any of its ONE-IDs.")
        ] = None,
        kind: Annotated[IdentityDecisionKind | None, strawberry.argument(description="Of this kind.")] = None,
        since: Annotated[DateTime | None, strawberry.argument(description="At this time or later.")] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[IdentityDecision]:
        wanted = LogFilter(message_id, one_id, kind, since)
        return await decision_log(info.context, wanted, page(first, after))

    @root(
        f"Signs of over-merging: the {HEALTH_ROWS} largest customers and the {HEALTH_ROWS} most shared values.",
        Scope.CUSTOMERS_READ,
        weight=AGGREGATION,
    )
    async def identity_health(self, info: Info) -> IdentityHealth:
        found = await info.context.services.health.read(HEALTH_ROWS)
        return IdentityHealth.from_domain(found, info.context.reader)
