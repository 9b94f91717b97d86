"""Connections over what the stores return."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from api.graphql.context import Context
from api.graphql.events.types import Event
from api.graphql.identity.types import IdentityDecision
from api.graphql.loaders import DecisionsOf
from api.graphql.relay import Connection, Page, decode_cursor, encode_cursor
from oneid.domain.decisions import Decision
from oneid.domain.messages import StoredEvent
from search.pages import Page as SearchPage

DECISION_CURSOR: Final = "decision"

Count = Callable[[], Awaitable[int]]


def event_connection(found: SearchPage[StoredEvent], context: Context) -> Connection[Event]:
    """A page of the event index."""

    async def count() -> int:
        return found.total

    items = [(edge.cursor, Event.from_domain(edge.node, context.reader)) for edge in found.edges]
    return Connection[Event].of(items, has_next=found.has_next, has_previous=found.has_previous, count=count)


async def decision_connection(
    context: Context, one_ids: tuple[str, ...], page: Page
) -> Connection[IdentityDecision]:
    """A customer's decisions in processing order."""
    asked = DecisionsOf(one_ids, page.size + 1, after_sequence(page))
    found = await context.loaders.decisions.load(asked)
    return decisions_page(context, found, page, lambda: context.loaders.decision_counts.load(one_ids))


def decisions_page(
    context: Context, found: Sequence[Decision], page: Page, count: Count
) -> Connection[IdentityDecision]:
    """A page of decisions, of which one more than asked for was read."""
    items = [
        (
            encode_cursor(DECISION_CURSOR, decision.sequence),
            IdentityDecision.from_domain(decision, context.reader),
        )
        for decision in found[: page.size]
    ]
    has_next = len(found) > page.size
    return Connection[IdentityDecision].of(
        items, has_next=has_next, has_previous=page.after is not None, count=count
    )


def after_sequence(page: Page) -> int:
    """The sequence after which a page of decisions starts. Raises InvalidInput."""
    values = decode_cursor(DECISION_CURSOR, page.after, int)
    return int(values[0]) if values else 0
