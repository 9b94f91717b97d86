"""Limits: how many values of a type a customer may hold, and which identifiers an event loses to them."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Final

from oneid.domain.identifiers import Identifier
from oneid.domain.messages import format_time
from oneid.domain.rules import IdentifierType, IdentityRules
from oneid.domain.separation import separated
from oneid.domain.workspace import CustomerNode, Workspace

EARLIEST: Final = datetime.min.replace(tzinfo=UTC)


class Limits:
    """The limits at one event's time, on one workspace."""

    def __init__(self, space: Workspace, rules: IdentityRules, at: datetime) -> None:
        self._space = space
        self._rules = rules
        self._at = at

    def hold(
        self, identifiers: list[Identifier], apart: set[Identifier]
    ) -> tuple[list[Identifier], list[Identifier], list[CustomerNode]]:
        """Splits an event's identifiers (strongest first) into those that may link and those demoted: while
        a type passes its limit, or a sticky split stands between them, the weakest type of the event goes; of
        a last type only the first value stays. The third are the owners of those that may link.

        `apart` are identifiers that are about to leave their owner: they make no candidate of it.
        """
        kept, demoted = identifiers, list[Identifier]()
        while self._passed(kept, owners := candidates(self._space, kept, apart)):
            weakest = kept[-1].type
            if weakest == kept[0].type:
                return kept[:1], demoted + kept[1:], candidates(self._space, kept[:1], apart)
            demoted = demoted + [identifier for identifier in kept if identifier.type == weakest]
            kept = [identifier for identifier in kept if identifier.type != weakest]
        return kept, demoted, owners

    def _passed(self, kept: list[Identifier], owners: list[CustomerNode]) -> bool:
        named = {identifier.key for identifier in kept}
        if len(owners) == 1 and named <= owners[0].identifiers:
            return False
        union = named.union(*(owner.identifiers for owner in owners))
        if separated(self._space, union):
            return True
        return any(
            not any(counted <= owner.identifiers for owner in owners)
            for counted in self._over_limit(union, named)
        )

    def _over_limit(self, keys: set[str], named: set[str]) -> list[set[str]]:
        """For each type that these keys pass the limit of: the keys that count."""
        by_type = defaultdict[str, set[str]](set)
        for key in keys:
            by_type[key.partition(":")[0]].add(key)
        over = list[set[str]]()
        for kind, of_type in by_type.items():
            rule = self._rules.by_type.get(kind)  # a reset may have taken the declaration away
            if rule and rule.limit and len(of_type) > rule.limit:
                counted = self._within_window(rule, of_type, named)
                over += [counted] if len(counted) > rule.limit else []
        return over

    def _within_window(self, rule: IdentifierType, keys: set[str], named: set[str]) -> set[str]:
        if not rule.window_days:
            return keys
        since = format_time(self._at - min(timedelta(days=rule.window_days), self._at - EARLIEST))
        nodes = self._space.identifiers
        return {key for key in keys if key in named or nodes[key].last_seen_at >= since}


def candidates(space: Workspace, identifiers: list[Identifier], apart: set[Identifier]) -> list[CustomerNode]:
    """The customers that own any of these, the owner of the strongest first."""
    owners = dict[str, CustomerNode]()
    for identifier in identifiers:
        owner = None if identifier in apart else space.owner(identifier)
        if owner:
            owners[owner.one_id] = owner
    return list(owners.values())
