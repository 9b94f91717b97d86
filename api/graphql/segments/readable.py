"""Saved rules as people write them."""

from collections.abc import Mapping
from typing import Any

from strawberry.scalars import JSON

from api.graphql.context import Context


async def readable(context: Context, rule: Mapping[str, Any]) -> JSON:
    """A rule with the paths that its tags have now, and as the reader may see it."""
    return JSON(context.reader.rule(await context.services.segments.readable(rule)))
