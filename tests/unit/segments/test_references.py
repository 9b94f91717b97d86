"""Rules that name each other, by segments and by tags: nothing becomes a part of itself."""

from typing import Any

import pytest

from oneid.domain.retention import RetentionPolicy
from oneid.domain.segments.definitions import Segment, SegmentKind
from oneid.domain.segments.references import MAX_DEPTH, MAX_RULES, MAX_SEGMENTS, Rules, with_ids, with_paths
from oneid.domain.tags.tree import Tag, TagMethod, TagTree
from oneid.errors import Cycle, LimitExceeded, NotFound, OneIdError, TooLarge

LEAF = {"event": {"name": "Order"}}


def segment(id_: str, rule: dict[str, Any] = LEAF) -> Segment:
    return Segment(id_, f"key-{id_}", f"name {id_}", SegmentKind.DYNAMIC, 1, "", "", rule)


def tag(id_: str, path: str) -> Tag:
    return Tag(id_, 1, path, TagMethod.RULE, "", LEAF)


def below(name: str) -> dict[str, Any]:
    return {"tag": {"tag": name, "includeDescendants": True}}


TREE = TagTree(1, (tag("p", "P"), tag("a", "A"), tag("b", "P/B")))


def rules(*segments: Segment, tree: TagTree = TREE) -> Rules:
    return Rules({one.id: one for one in segments}, tree)


def refusal(told: Rules, *changed: str) -> OneIdError:
    with pytest.raises(OneIdError) as refused:
        told.check(changed, ("parent",))
    assert tuple(refused.value.field) == ("parent",) or isinstance(refused.value, LimitExceeded)
    return refused.value


def test_a_tag_that_moves_below_one_that_its_rule_names_with_all_below_is_a_cycle() -> None:
    told = rules(segment("p"), segment("b"), segment("a", {"not": below("P")}))
    told.check(["a"], ("rule",))
    moved = told.changed([], [], TREE.changed(TREE.moved(TREE.get("A"), TREE.get("P"))))

    assert isinstance(refusal(moved, "a"), Cycle)


def test_a_tag_below_one_that_its_rule_names_through_segments_is_a_cycle() -> None:
    told = rules(segment("p"), segment("s", below("p")), segment("t", {"any": [{"segment": "key-s"}, LEAF]}))
    told.check(["s", "t"], ("rule",))
    child = segment("c", {"all": [{"segment": "t"}]})

    assert isinstance(refusal(told.changed([child], [], TREE.changed([tag("c", "P/B/C")])), "c"), Cycle)
    told.changed([child], [], TREE.changed([tag("c", "A/C")])).check(["c"], ("rule",))


def test_two_segments_that_name_each_other_are_a_cycle_and_one_named_twice_is_none() -> None:
    named = {"any": [{"segment": "b"}, {"segment": "key-b"}]}
    rules(segment("a", named), segment("b")).check(["a", "b"], ("rule",))

    assert isinstance(refusal(rules(segment("a", named), segment("b", {"segment": "a"})), "b"), Cycle)


def test_segments_lie_within_each_other_to_a_limit_from_whichever_end_the_chain_grows() -> None:
    chain = [segment("s0"), *(segment(f"s{n}", {"segment": f"s{n - 1}"}) for n in range(1, MAX_DEPTH + 1))]
    told = rules(*chain)
    told.check([f"s{MAX_DEPTH}"], ("rule",))

    above = told.changed([segment("top", {"not": {"segment": f"s{MAX_DEPTH}"}})], [], TREE)
    below = told.changed([segment("end"), segment("s0", {"segment": "end"})], [], TREE)

    assert [type(refusal(above, "top")), type(refusal(below, "s0"))] == [TooLarge, TooLarge]


def test_who_names_a_tag_with_all_below_may_not_come_to_bring_in_too_many() -> None:
    several = [tag(f"t{n}", f"A/{n}") for n in range(MAX_SEGMENTS // 2)]
    told = rules(
        segment("s", {"any": [below("P"), below("P")]}), segment("p"), *(segment(one.id) for one in several)
    )
    tree = TREE.changed(several)
    told.changed([], [], tree).check([one.id for one in several], ("parent",))
    moved = tree.changed(tree.moved(tree.get("A"), tree.get("P")))

    refused = refusal(told.changed([], [], moved), *(one.id for one in several))

    assert isinstance(refused, TooLarge)
    assert "name s" in refused.message


def test_there_are_only_so_many_rules() -> None:
    full = rules(*(segment(f"{n}") for n in range(MAX_RULES)))
    full.check(["1"], ("rule",))

    assert isinstance(refusal(full.changed([segment("new")], [], TREE), "new"), LimitExceeded)
    full.changed([segment("new")], ["1"], TREE).check(["new"], ("rule",))


def test_a_rule_is_kept_with_the_ids_of_tags_and_read_with_their_paths() -> None:
    written = {"all": [{"not": below("P/B")}, {"tag": {"tag": "A"}}, {"segment": "P/B"}]}
    kept = {"all": [{"not": below("b")}, {"tag": {"tag": "a"}}, {"segment": "P/B"}]}

    assert with_ids(written, TREE) == with_ids(kept, TREE) == kept
    assert with_paths(kept, TREE) == written
    moved = TREE.changed(TREE.moved(TREE.get("P"), TREE.get("A")))
    assert with_paths({"tag": {"tag": "b"}}, moved) == {"tag": {"tag": "A/P/B"}}
    assert with_paths({"tag": {"tag": "gone"}}, TREE) == {"tag": {"tag": "gone"}}
    with pytest.raises(NotFound):
        with_ids(below("gone"), TREE)


def test_who_names_a_tag_or_a_value_is_told() -> None:
    compared = [{"attribute": {"key": "skin", "op": "IN", "value": ["dry", "oily"]}}, below("P/B")]
    told = rules(segment("s", {"any": compared}), segment("b", below("b")), segment("x", below("P")))

    assert told.naming("b") == ["name s"]
    assert told.naming("a") == []
    assert told.comparing("skin", {"oily", "x"}) == ["name s"]
    assert told.comparing("skin", {"x"}) == told.comparing("other", {"oily"}) == []


def test_a_retention_policy_is_told_among_those_who_name_a_segment_a_tag_or_a_value() -> None:
    compared = {"attribute": {"key": "skin", "op": "EQ", "value": "dry"}}
    rule = {"any": [{"segment": "key-s"}, below("A"), compared]}
    policy = RetentionPolicy("p", "policy p", rule, suppress=False, daily=False, most=1)
    told = Rules({"s": segment("s")}, TREE, [policy]).changed([segment("t")], [], TREE)

    assert told.bringing_in(segment("s")) == ["policy p"]
    assert told.bringing_in(segment("t")) == []
    assert told.naming("a") == told.comparing("skin", {"dry"}) == ["policy p"]
    assert told.naming("b") == told.comparing("skin", {"oily"}) == []
