"""Of which moment the definitions are that rules may name: one read tells whether anything has changed."""

from typing import Final, NamedTuple

from graph.client import Graph

READ: Final = """
OPTIONAL MATCH (a:AttributeCatalog {id: 'current'})
OPTIONAL MATCH (s:SegmentCatalog {id: 'current'})
OPTIONAL MATCH (t:TagCatalog {id: 'current'})
OPTIONAL MATCH (n:ConditionCounter {id: 'current'})
RETURN coalesce(a.stamp, a.version, 0) AS attributes, coalesce(s.version, 0) AS segments,
       coalesce(t.version, 0) AS tags, coalesce(n.version, 0) AS conditions
"""


class Stamps(NamedTuple):
    """What changes with attributes; with segments, lifecycles and models; with tags; with timed conditions."""

    attributes: int
    segments: int
    tags: int
    conditions: int


async def stamps(graph: Graph) -> Stamps:
    """As they are now."""
    return Stamps(**(await graph.read("stamps.read", READ))[0])
