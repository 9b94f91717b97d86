"""Who may filter by segments, tags, stages and scores: whoever may see them."""

from typing import Final

from api.graphql.context import Context
from api.graphql.scopes import Scope, holds
from api.graphql.segments.rules import SegmentRule
from oneid.domain.segments.references import conditions_in
from oneid.errors import Forbidden

ABOUT_SEGMENTS: Final = ("tag", "stage", "rfm", "vap")


def permit_rule(context: Context, rule: SegmentRule | None) -> None:
    """Raises Forbidden where a rule would tell a key that may not read segments who is in one."""
    if rule is None or holds(context.actor, Scope.SEGMENTS_READ):
        return
    written = rule.to_domain()
    if names_segment(written) or any(conditions_in(written, kind) for kind in ABOUT_SEGMENTS):
        raise Forbidden(f"such a condition needs the scope {Scope.SEGMENTS_READ}", field=("rule",))


def names_segment(written: object) -> bool:
    """Whether a written rule names a segment."""
    if isinstance(written, list):
        return any(map(names_segment, written))
    if not isinstance(written, dict):
        return False
    return isinstance(written.get("segment"), str) or any(
        names_segment(written.get(kind)) for kind in ("all", "any", "not")
    )
