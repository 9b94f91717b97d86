"""Which rules follow from what is changed or defined anew: who is in them changes, though nobody changed them or did
anything."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from oneid.domain.lifecycles import Lifecycle
from oneid.domain.segments.definitions import Segment
from oneid.domain.segments.references import Rules, conditions_in
from oneid.domain.segments.references import named as named_segments
from oneid.domain.tags.personal import reads
from oneid.domain.tags.tree import TagTree

Written: TypeAlias = Mapping[str, Any] | None
Named: TypeAlias = Callable[[Written], bool]
"""Whether a written rule names something by itself."""


def followers(rules: Rules, lifecycles: Collection[Lifecycle], named: Named) -> list[Segment]:
    """The rules that name something, by themselves or through segments, tags and stages, as they are to be built.
    Those of stages are `announced`: only who is judged comes to a stage."""
    stages = {one.segment_of(stage): one.key for one in lifecycles for stage in one.stages}
    found, wanted = set[str](), naming(rules, named)
    while not wanted <= found:
        found = rules.concerned(found | wanted)
        wanted = naming(rules, names_stage({stages[id_] for id_ in found if id_ in stages}))
    told = (rules.segments[id_] for id_ in sorted(found))
    return [replace(one, announced=one.announced or one.of_stage) for one in told]


def naming(rules: Rules, named: Named) -> set[str]:
    return {id_ for id_, one in rules.segments.items() if named(one.rule)}


def names_stage(lifecycles: Collection[str]) -> Named:
    """Names a stage of one of these lifecycles."""
    return lambda rule: any(told.get("lifecycle") in lifecycles for told in conditions_in(rule, "stage"))


def names_segment(segment: Segment) -> Named:
    return lambda rule: not {segment.id, segment.key}.isdisjoint(named_segments(rule))


def names_tag(tree: TagTree, ids: frozenset[str]) -> Named:
    """Names one of these tags, or one above it with what is below."""

    def meant(told: Mapping[str, Any]) -> Iterable[str]:
        tag = tree.find(str(told.get("tag")))
        tags = tree.below(tag) if tag and told.get("includeDescendants") else [tag]
        return {one.id for one in tags if one}

    return lambda rule: any(not ids.isdisjoint(meant(told)) for told in conditions_in(rule, "tag"))


def names_attribute(tree: TagTree, key: str) -> Named:
    """Names an attribute, or a tag that is computed from it."""
    computed = frozenset(tag.id for tag in tree.tags if tag.scorer is not None and reads(tag.scorer, key))
    tagged = names_tag(tree, computed)
    return lambda rule: (
        tagged(rule) or any(told.get("key") == key for told in conditions_in(rule, "attribute"))
    )
