"""Sticky splits: which identifiers must not become one customer's again, whatever later events say.

Each identifier carries the sides on which it stood: "split:0" or "split:1". It keeps them wherever it goes.
"""

from collections.abc import Iterable

from oneid.domain.workspace import Workspace


def separate(space: Workspace, split: str, sides: Iterable[Iterable[str]]) -> None:
    """Marks the identifiers of each side."""
    for number, keys in enumerate(sides):
        for key in keys:
            node = space.identifiers[key]
            node.sides, node.changed = (*node.sides, f"{split}:{number}"), True


def separated(space: Workspace, keys: Iterable[str]) -> bool:
    """Whether two of these identifiers stood on different sides of one split."""
    side_of = dict[str, str]()
    for key in keys:
        node = space.identifiers.get(key)
        for mark in node.sides if node else ():
            split, _, side = mark.rpartition(":")
            if side_of.setdefault(split, side) != side:
                return True
    return False


def reunite(space: Workspace, keys: Iterable[str]) -> None:
    """Takes off the marks of the splits that stand between these identifiers: an operator made them one."""
    nodes = [space.identifiers[key] for key in keys]
    marks = {mark for node in nodes for mark in node.sides}
    splits = [mark.rpartition(":")[0] for mark in marks]
    undone = {split for split in splits if splits.count(split) > 1}
    for node in nodes:
        kept = tuple(mark for mark in node.sides if mark.rpartition(":")[0] not in undone)
        if kept != node.sides:
            node.sides, node.changed = kept, True
