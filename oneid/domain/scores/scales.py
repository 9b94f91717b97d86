"""Scales: a score is how many levels are reached, and each level is a rule."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from oneid.domain.segments.operators import whole
from oneid.domain.segments.parsing import Json, Path
from oneid.domain.segments.rules import All, AnyOf, Not, Rule
from oneid.errors import InvalidInput

NOBODY: Final[Rule] = AnyOf(())


@dataclass(frozen=True, slots=True)
class Scale:
    """One letter of a cell. `levels[n]` is true for who scores at least n + 1; each is true where the next is."""

    name: str
    levels: tuple[Rule, ...]

    def between(self, low: int, high: int) -> Rule:
        """Who scores from `low` to `high`."""
        least = self.levels[low - 1]
        return least if high >= len(self.levels) else All((least, Not(self.levels[high])))


@dataclass(frozen=True, slots=True)
class Group:
    """Cells that have a name. `ranges`: by scale the lowest and the highest score; a scale left out may be any."""

    name: str
    ranges: Mapping[str, tuple[int, int]]

    def holds(self, scores: Mapping[str, int]) -> bool:
        return all(low <= scores[scale] <= high for scale, (low, high) in self.ranges.items())


@dataclass(frozen=True, slots=True)
class Fact:
    """What a score of a customer comes from: a number, and in words what is compared with what."""

    value: float | None
    told: str


@dataclass(frozen=True, slots=True)
class Scoring:
    """The scales of a model, its groups, the first that fits being a customer's, and whom it scores at all."""

    scales: tuple[Scale, ...]
    groups: tuple[Group, ...]
    scored: Rule

    def cell(self, ranges: Mapping[str, tuple[int, int]]) -> Rule:
        """Who is scored within all ranges."""
        told = [scale.between(*ranges[scale.name]) for scale in self.scales if scale.name in ranges]
        return All((self.scored, *told))

    def within(self, names: Collection[str]) -> Rule:
        """Who is in one of these groups. A customer's is the first that fits: so each group is asked once, and what
        follows it only of those whom it does not fit."""
        told: Rule = NOBODY
        for group in reversed(self.groups):
            fits = self.cell(group.ranges)
            told = joined(fits, told) if group.name in names else narrowed(Not(fits), told)
        return told

    def read(self, given: Json, path: Path) -> Rule:
        """The condition that a rule writes: ranges by scale, and names of groups. Raises InvalidInput."""
        ranges = {
            scale.name: bounds(given[scale.name], len(scale.levels), (*path, scale.name))
            for scale in self.scales
            if given.get(scale.name) is not None
        }
        rule = self.cell(ranges)
        groups = given.get("groups")
        if not groups:
            return rule
        known = {group.name for group in self.groups}
        for place, name in enumerate(groups):
            if name not in known:
                raise InvalidInput(f"there is no group {name}", field=(*path, "groups", str(place)))
        return All((rule, self.within(groups)))


def joined(one: Rule, rest: Rule) -> Rule:
    if rest is NOBODY:
        return one
    return AnyOf((one, *(rest.rules if isinstance(rest, AnyOf) else [rest])))


def narrowed(one: Rule, rest: Rule) -> Rule:
    if rest is NOBODY:
        return rest
    return All((one, *(rest.rules if isinstance(rest, All) else [rest])))


def bounds(given: Any, most: int, path: Path) -> tuple[int, int]:
    """The lowest and the highest score that a condition names."""
    low, high = given.get("min"), given.get("max")
    low, high = 1 if low is None else low, most if high is None else high
    if not whole(low, 1, most) or not whole(high, low, most):
        raise InvalidInput(f"must be scores from 1 to {most}, `min` not above `max`", field=path)
    return low, high


def divided(values: Sequence[float], parts: int) -> tuple[float, ...]:
    """Thresholds that divide values into parts of one size: the k-th is the value below which k of them lie, so that
    equal values have equal scores, the higher ones where they stand across a border."""
    ordered = sorted(values)
    return tuple(ordered[min(len(ordered) - 1, -(-len(ordered) * k // parts))] for k in range(1, parts))


def between(given: int, low: int, high: int, path: Path) -> None:
    """Raises InvalidInput unless this is a whole number within bounds."""
    if not whole(given, low, high):
        raise InvalidInput(f"must be a whole number, {low} to {high}", field=path)


def ascending(given: Sequence[Any], count: int, path: Path, *, least: float = 0) -> None:
    """Raises InvalidInput unless these are so many numbers, none below the one before it."""
    if len(given) != count or any(one > other for one, other in pairwise(given)):
        raise InvalidInput(f"must be {count} numbers, none below the one before", field=path)
    if given and given[0] < least:
        raise InvalidInput(f"must be at least {least:g}", field=path)
