"""Segments, tags, lifecycles and retention policies change one after the other: what they say of each other is read,
checked and written under one lock, in one transaction, with the rules of tags and stages that nobody sees."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Final

from neo4j import AsyncManagedTransaction

from graph import lifecycles, retention, segments, tags
from graph.attribute_catalog import AttributeCatalog
from graph.client import Graph, rows
from graph.markings import EVERYBODY
from oneid.domain.catalog import Catalog
from oneid.domain.lifecycles import Lifecycle
from oneid.domain.retention import RetentionPolicy
from oneid.domain.segments.definitions import Segment
from oneid.domain.segments.references import Rules, with_ids
from oneid.domain.tags.tree import Tag, TagTree

NUMBERS: Final = """
MERGE (n:ConditionCounter {id: 'current'})
SET n.lock = timestamp()
RETURN coalesce(n.last, 0) AS last
"""

NUMBERED: Final = "MATCH (n:ConditionCounter {id: 'current'}) SET n.last = $last"

Numbers = Callable[[], int]
"""Gives a number that nothing had before."""


@dataclass(frozen=True, slots=True)
class Known:
    """What there is: rules, tags and lifecycles by key."""

    rules: Rules
    lifecycles: Mapping[str, Lifecycle]

    @property
    def tree(self) -> TagTree:
        return self.rules.tree


@dataclass(frozen=True, slots=True)
class Written:
    """What to write, and the ids of what goes. `followers`: segments that stay as they are, and of which is to be found
    out anew who is in them; `catalog`: a change of declared attributes, `key` as for
    `AttributeCatalog.change`; `field`: the place at fault where rules would be parts of themselves."""

    tags: Sequence[Tag] = ()
    tags_gone: Sequence[str] = ()
    segments: Sequence[Segment] = ()
    segments_gone: Sequence[str] = ()
    followers: Sequence[Segment] = ()
    lifecycle: Lifecycle | None = None
    policy: RetentionPolicy | None = None
    catalog: Callable[[Catalog], Catalog] | None = None
    key: str = EVERYBODY
    field: Sequence[str] = ("rule",)

    def told(self, tree: TagTree) -> "Written":
        """With rules as they are kept. Raises NotFound."""
        return replace(
            self,
            tags=[replace(tag, rule=tag.rule and with_ids(tag.rule, tree)) for tag in self.tags],
            segments=[replace(one, rule=one.rule and with_ids(one.rule, tree)) for one in self.segments],
            lifecycle=self.lifecycle and self.lifecycle.with_rules(lambda rule: with_ids(rule, tree)),
            policy=self.policy and replace(self.policy, rule=with_ids(self.policy.rule, tree)),
        )


Work = Callable[[Known, Numbers], Written]


class Definitions:
    """Reads and writes them together."""

    def __init__(self, graph: Graph, catalog: AttributeCatalog) -> None:
        self._graph = graph
        self._catalog = catalog

    async def change(self, work: Work) -> Written:
        """Writes what `work` makes of what there is, and returns it.

        Raises what `work` raises; Cycle, TooLarge, LimitExceeded where the rules don't go together then; Conflict,
        VersionConflict where a segment was changed meanwhile. Nothing is written in any of these cases."""

        async def within(tx: AsyncManagedTransaction) -> Written:
            await (await tx.run(segments.CHANGED)).consume()
            known = await everything(tx)
            last = (await (await tx.run(NUMBERS)).single(strict=True))["last"]
            numbers = count(last + 1)
            wanted = work(known, lambda: next(numbers))
            tree = known.tree.changed(wanted.tags, wanted.tags_gone)
            written = wanted.told(tree)
            rules = known.rules.changed(written.segments, written.segments_gone, tree)
            changed = {tag.id for tag in written.tags} | {segment.id for segment in written.segments}
            rules.check(changed, written.field)
            await (await tx.run(NUMBERED, last=next(numbers) - 1)).consume()
            await self._write(tx, written)
            return written

        return await self._graph.transact("definitions.change", within)

    async def _write(self, tx: AsyncManagedTransaction, written: Written) -> None:
        await tags.write(tx, written.tags, written.tags_gone)
        await segments.write(tx, written.segments, written.segments_gone)
        await segments.write_followers(tx, written.followers)
        if written.lifecycle is not None:
            await lifecycles.write(tx, written.lifecycle)
        if written.policy is not None:
            await retention.write(tx, written.policy)
        if written.catalog is not None:
            await self._catalog.change_within(tx, written.catalog, written.key)


async def everything(tx: AsyncManagedTransaction) -> Known:
    found = [segments.segment_of(row["s"]) for row in await rows(await tx.run(segments.DYNAMIC))]
    tree = TagTree(0, tuple(tags.tag_of(row["t"]) for row in await rows(await tx.run(tags.ALL))))
    known = [lifecycles.lifecycle_of(row["l"]) for row in await rows(await tx.run(lifecycles.ALL))]
    policies = [retention.policy_of(row["p"]) for row in await rows(await tx.run(retention.ALL))]
    return Known(Rules({one.id: one for one in found}, tree, policies), {one.key: one for one in known})
