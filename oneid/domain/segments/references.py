"""What written rules name: other segments and tags. Nothing may be a part of itself, whatever is changed.

A rule is kept with the ids of tags: a tag that moves has another path, and is the same tag.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, NamedTuple

from oneid.domain.retention import RetentionPolicy
from oneid.domain.segments.definitions import Segment
from oneid.domain.tags.tree import TagTree
from oneid.errors import Cycle, LimitExceeded, TooLarge

MAX_SEGMENTS: Final = 5_000
"""That one rule brings in, each as often as it is named."""

MAX_DEPTH: Final = 10
"""Segments within each other. Rules are read and compiled by recursion."""

MAX_RULES: Final = 5_000
"""Segments that are rules, those of tags and stages included."""

JOINTS: Final = ("all", "any", "not")


class Size(NamedTuple):
    """How many segments a rule brings in, and how many of them lie within each other."""

    segments: int
    depth: int


@dataclass(frozen=True)
class Rules:
    """All segments that are rules, all tags and all retention policies, at one moment."""

    segments: Mapping[str, Segment]
    tree: TagTree
    policies: Sequence[RetentionPolicy] = ()

    @cached_property
    def ids(self) -> Mapping[str, str]:
        """The id of each segment by its id and by its key."""
        return {name: one.id for one in self.segments.values() for name in (one.id, one.key)}

    def next(self, segment: Segment) -> Segment:
        """The next version of a segment, the first if it is new."""
        known = self.segments.get(segment.id)
        if known is None:
            return segment
        return replace(segment, version=known.version + 1, created_at=known.created_at)

    def changed(self, saved: Iterable[Segment], gone: Collection[str], tree: TagTree) -> "Rules":
        """With other segments and tags."""
        segments = {**self.segments, **{segment.id: segment for segment in saved}}
        return Rules({id_: one for id_, one in segments.items() if id_ not in gone}, tree, self.policies)

    def naming(self, tag_id: str) -> list[str]:
        """The names of segments and policies whose rules name a tag, but that of the tag itself."""
        told = ((name, conditions_in(rule, "tag")) for name, rule in self._written(but=tag_id))
        return [name for name, tags in told if any(self._tag(tag) == tag_id for tag in tags)]

    def bringing_in(self, segment: Segment) -> list[str]:
        """The names of segments, tags, stages and policies whose rules name a segment by its id or key."""
        own = {segment.id, segment.key}
        return [name for name, rule in self._written(but=segment.id) if own & named(rule)]

    def comparing(self, key: str, values: Collection[str]) -> list[str]:
        """The names of segments and policies whose rules compare an attribute with one of these values."""
        told = ((name, conditions_in(rule, "attribute")) for name, rule in self._written())
        return [name for name, compared in told if any(compares(rule, key, values) for rule in compared)]

    def check(self, changed: Collection[str], field: Sequence[str]) -> None:
        """Raises Cycle where a rule that was changed, or that names one, is now a part of itself, TooLarge where it
        brings in too many or too deep ones; LimitExceeded where there are too many rules."""
        if len(self.segments) > MAX_RULES:
            raise LimitExceeded(f"there are at most {MAX_RULES} segments that are rules")
        sizes: dict[str, Size | None] = {}
        for id_ in self.concerned(changed):
            size, name = self._size(id_, sizes, field), self.segments[id_].name
            if size.segments > MAX_SEGMENTS:
                message = f"{name} would bring in more than {MAX_SEGMENTS:,} segments"
                raise TooLarge(message, field=tuple(field))
            if size.depth > MAX_DEPTH:
                message = f"{name} would have more than {MAX_DEPTH} segments within each other"
                raise TooLarge(message, field=tuple(field))

    def concerned(self, changed: Collection[str]) -> set[str]:
        """Changed rules, and those that bring them in, those that there are."""
        users: defaultdict[str, set[str]] = defaultdict(set)
        for id_ in self.segments:
            for one in self._brought_in(id_):
                users[one].add(id_)
        found, waiting = set[str](), [id_ for id_ in changed if id_ in self.segments]
        while waiting:
            id_ = waiting.pop()
            if id_ not in found:
                found.add(id_)
                waiting += users[id_]
        return found

    def _written(self, *, but: str = "") -> Iterator[tuple[str, Any]]:
        """Names and rules, without those of the segment `but`."""
        yield from ((one.name, one.rule) for id_, one in self.segments.items() if id_ != but)
        yield from ((one.name, one.rule) for one in self.policies)

    def _size(self, id_: str, sizes: dict[str, Size | None], field: Sequence[str]) -> Size:
        """What a rule brings in. `sizes`: those that are known, None while one is being counted."""
        if id_ not in sizes:
            sizes[id_] = None
            inside = [self._size(one, sizes, field) for one in self._brought_in(id_)]
            depth = 1 + max(one.depth for one in inside) if inside else 0
            sizes[id_] = Size(sum(1 + one.segments for one in inside), depth)
        size = sizes[id_]
        if size is None:
            raise Cycle(f"{self.segments[id_].name} would be a part of itself", field=tuple(field))
        return size

    def _brought_in(self, id_: str) -> list[str]:
        return self._named(self.segments[id_].rule)

    def _named(self, written: Any) -> list[str]:
        """The rules that a written rule brings in."""
        if isinstance(written, list):
            return [id_ for one in written for id_ in self._named(one)]
        if not isinstance(written, Mapping):
            return []
        segment, tag = written.get("segment"), written.get("tag")
        own = [self.ids[segment]] if isinstance(segment, str) and segment in self.ids else []
        tagged = self._ruled(tag) if isinstance(tag, Mapping) else []
        return [*own, *tagged, *(id_ for kind in JOINTS for id_ in self._named(written.get(kind)))]

    def _ruled(self, told: Mapping[str, Any]) -> list[str]:
        """The rules of the tags that a condition means."""
        tag = self.tree.find(str(told.get("tag")))
        if tag is None:
            return []
        tags = self.tree.below(tag) if told.get("includeDescendants") else [tag]
        return [one.id for one in tags if one.id in self.segments]

    def _tag(self, told: Mapping[str, Any]) -> str | None:
        tag = self.tree.find(str(told.get("tag")))
        return tag.id if tag else None


def named(written: Any) -> set[str]:
    """The segments that a written rule names."""
    if isinstance(written, list):
        return {name for one in written for name in named(one)}
    if not isinstance(written, Mapping):
        return set()
    own = {written["segment"]} if isinstance(written.get("segment"), str) else set[str]()
    return own.union(*(named(written.get(joint)) for joint in JOINTS))


def conditions_in(written: Any, kind: str) -> list[Mapping[str, Any]]:
    """The conditions of a kind in a written rule."""
    if isinstance(written, list):
        return [told for one in written for told in conditions_in(one, kind)]
    if not isinstance(written, Mapping):
        return []
    own = written.get(kind)
    below = [told for joint in JOINTS for told in conditions_in(written.get(joint), kind)]
    return [own, *below] if isinstance(own, Mapping) else below


def compares(told: Mapping[str, Any], key: str, values: Collection[str]) -> bool:
    value = told.get("value")
    return told.get("key") == key and any(
        one in values for one in (value if isinstance(value, list) else [value])
    )


def with_ids(written: Any, tree: TagTree) -> Any:
    """A written rule with the ids of its tags. Raises NotFound."""
    return renamed(written, lambda name: tree.get(name).id)


def with_paths(written: Any, tree: TagTree) -> Any:
    """A written rule with the paths of its tags, as people read it."""
    return renamed(written, lambda name: tag.path if (tag := tree.find(name)) else name)


def renamed(written: Any, rename: Callable[[str], str]) -> Any:
    if isinstance(written, list):
        return [renamed(one, rename) for one in written]
    if not isinstance(written, Mapping):
        return written
    told = written.get("tag")
    if isinstance(told, Mapping):
        return {**written, "tag": {**told, "tag": rename(str(told.get("tag")))}}
    return {kind: renamed(below, rename) if kind in JOINTS else below for kind, below in written.items()}
