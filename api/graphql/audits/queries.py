"""Asking what data there is."""

from typing import Annotated

import strawberry

from api.graphql.audits.types import DataAudit
from api.graphql.charges import AGGREGATION
from api.graphql.context import Info
from api.graphql.fields import root
from api.graphql.scopes import Scope

Purpose = Annotated[
    str | None, strawberry.argument(description="Of the consents that decide who is reachable.")
]


@strawberry.type
class AuditQueries:
    @root(
        "What data there is: coverage, reach, and what may be double.",
        Scope.ANALYTICS_READ,
        weight=AGGREGATION,
    )
    async def data_audit(self, info: Info, purpose: Purpose = "marketing") -> DataAudit:
        return DataAudit.from_domain(await info.context.services.audits.audit(purpose or "marketing"))
