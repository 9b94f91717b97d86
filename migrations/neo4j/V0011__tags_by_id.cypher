// Rules name tags by their ids: a tag that moves has another path.

MATCH (t:Tag)
WITH collect({
  told: '"tag":"' + replace(replace(t.path, '\\', '\\\\'), '"', '\\"') + '"',
  kept: '"tag":"' + t.id + '"'
}) AS tags
MATCH (s:Segment) WHERE s.rule CONTAINS '"tag":"'
SET s.rule = reduce(rule = s.rule, tag IN tags | replace(rule, tag.told, tag.kept));

MATCH (t:Tag)
WITH collect({
  told: '"tag":"' + replace(replace(t.path, '\\', '\\\\'), '"', '\\"') + '"',
  kept: '"tag":"' + t.id + '"'
}) AS tags
MATCH (s:Tag) WHERE s.rule CONTAINS '"tag":"'
SET s.rule = reduce(rule = s.rule, tag IN tags | replace(rule, tag.told, tag.kept));

MATCH (t:Tag)
WITH collect({
  told: '"tag":"' + replace(replace(t.path, '\\', '\\\\'), '"', '\\"') + '"',
  kept: '"tag":"' + t.id + '"'
}) AS tags
MATCH (l:Lifecycle) WHERE l.stages CONTAINS '"tag":"'
SET l.stages = reduce(stages = l.stages, tag IN tags | replace(stages, tag.told, tag.kept));

MERGE (n:TagCatalog {id: 'current'}) SET n.version = coalesce(n.version, 0) + 1;
MERGE (n:SegmentCatalog {id: 'current'}) SET n.version = coalesce(n.version, 0) + 1;
