"""Which rules follow when a stage, a tag or an attribute is defined anew."""

from dataclasses import replace
from typing import Any

from oneid.domain.lifecycles import Lifecycle, Stage
from oneid.domain.segments.definitions import Segment, SegmentKind
from oneid.domain.segments.followers import (
    Named,
    followers,
    names_attribute,
    names_segment,
    names_stage,
    names_tag,
)
from oneid.domain.segments.references import Rules
from oneid.domain.tags.scorers import Scorer
from oneid.domain.tags.tree import Tag, TagMethod, TagTree

LEAF = {"event": {"name": "Order"}}


def segment(id_: str, rule: dict[str, Any], *, announced: bool = False) -> Segment:
    """One whose id has a colon is the rule of a stage."""
    hidden = ":" in id_
    return Segment(id_, id_, id_, SegmentKind.DYNAMIC, 1, "", "", rule, hidden=hidden, announced=announced)


def lifecycle(key: str) -> Lifecycle:
    return Lifecycle(key, key, key, 1, (Stage("a", "A", 1, LEAF), Stage("b", "B", 2, LEAF)), "")


def in_stage(key: str) -> dict[str, Any]:
    return {"all": [{"stage": {"lifecycle": key, "stage": "a"}}]}


def scored(path: str, scorer: Scorer) -> Tag:
    return Tag(path, 1, path, TagMethod.EXPRESSION, "", None, scorer)


TREE = TagTree(
    1,
    (
        Tag("top", 1, "top", TagMethod.MANUAL, ""),
        scored("top/read", Scorer(expression="attributes.age > 3")),
        scored("any", Scorer(expression="size(attributes) > 3")),
        scored("other", Scorer(expression="attributes.size > 3")),
        scored("model", Scorer(model={"kind": "LOGISTIC", "coefficients": {"age=3": 1}}, least=0.5)),
    ),
)


def found(named: Named, *segments: Segment) -> dict[str, bool]:
    """By id whether those are announced that follow."""
    rules = Rules({one.id: one for one in segments}, TREE)
    told = followers(rules, [lifecycle("l"), lifecycle("m"), lifecycle("n")], named)
    return {one.id: one.announced for one in told}


def test_who_names_a_stage_follows_and_so_does_who_names_that_through_segments_and_stages() -> None:
    told = found(
        names_stage({"l"}),
        segment("first", in_stage("l")),
        segment("m:a", {"not": {"segment": "first"}}),
        segment("second", in_stage("m")),
        segment("third", {"any": [{"segment": "second"}, LEAF]}),
        segment("n:a", LEAF),
        segment("else", in_stage("n")),
        segment("leaf", LEAF),
    )
    assert told == {"first": False, "m:a": True, "second": False, "third": False}


def test_who_names_a_segment_by_id_or_key_follows_and_so_does_who_names_a_stage_that_does() -> None:
    base = replace(segment("base", LEAF), key="by-key")
    told = found(
        names_segment(base),
        base,
        segment("first", {"any": [LEAF, {"segment": "base"}]}),
        segment("l:a", {"segment": "by-key"}),
        segment("staged", in_stage("l")),
        segment("leaf", LEAF),
    )
    assert told == {"first": False, "l:a": True, "staged": False}


def test_who_names_a_tag_or_what_is_below_one_that_is_above_it_follows() -> None:
    told = found(
        names_tag(TREE, frozenset(["top/read"])),
        segment("itself", {"tag": {"tag": "top/read"}}),
        segment("above", {"tag": {"tag": "top", "includeDescendants": True}}),
        segment("only-above", {"tag": {"tag": "top"}}),
        segment("gone", {"tag": {"tag": "gone"}}),
    )
    assert told == {"itself": False, "above": False}


def test_who_names_an_attribute_or_a_tag_that_is_computed_from_it_follows() -> None:
    told = found(
        names_attribute(TREE, "age"),
        segment("itself", {"not": {"attribute": {"key": "age", "op": "EXISTS"}}}),
        segment("another", {"attribute": {"key": "size", "op": "EXISTS"}}),
        *(segment(tag, {"tag": {"tag": tag}}) for tag in ("top/read", "any", "other", "model", "top")),
    )
    assert set(told) == {"itself", "top/read", "any", "model"}


def test_what_is_to_be_announced_already_still_is() -> None:
    assert found(names_stage({"l"}), segment("s", in_stage("l"), announced=True)) == {"s": True}
