"""Pages of the audit log."""

from dataclasses import dataclass
from functools import partial

from api.graphql.context import Context
from api.graphql.identity.types import IdentityDecision, IdentityDecisionKind
from api.graphql.paging import after_sequence, decisions_page
from api.graphql.relay import Connection, Page
from oneid.domain.decisions import DecisionKind


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which decisions: all that is given must hold."""

    message_id: str | None
    one_id: str | None
    kind: IdentityDecisionKind | None
    since: str | None


async def decision_log(context: Context, wanted: LogFilter, page: Page) -> Connection[IdentityDecision]:
    """One page. Raises InvalidInput on a foreign cursor."""
    services, message_id, since = context.services, wanted.message_id, wanted.since
    one_ids = await _one_ids(context, wanted.one_id)
    kinds = [DecisionKind(wanted.kind.name)] if wanted.kind else None
    found = await services.decisions.page(
        page.size + 1,
        after_sequence(page),
        one_ids=one_ids,
        message_id=message_id,
        kinds=kinds,
        since=since,
    )
    count = partial(
        services.decision_pages.count, one_ids=one_ids, message_id=message_id, kinds=kinds, since=since
    )
    return decisions_page(context, found, page, count)


async def _one_ids(context: Context, one_id: str | None) -> list[str] | None:
    """Every ONE-ID of a customer: decisions made under a former one are about the same person."""
    if one_id is None:
        return None
    record = await context.services.customers.by_one_id(one_id)
    if record:
        return [record.one_id, *record.former_one_ids]
    receipt = await context.services.erasure.receipt_of(one_id)
    return [one_id, receipt] if receipt else [one_id]
