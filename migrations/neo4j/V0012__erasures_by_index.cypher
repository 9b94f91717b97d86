// Decisions are found by the identifiers and ONE-IDs that they name, memberships by their identifier, and operations
// by when they ended. The index of decisions follows the graph: to be written in each transaction it would cost as much as the rest of a small one.

CREATE FULLTEXT INDEX decision_names IF NOT EXISTS FOR (d:Decision)
ON EACH [d.kept, d.dropped, d.held, d.mergedOneIds]
OPTIONS {indexConfig: {`fulltext.analyzer`: 'keyword', `fulltext.eventually_consistent`: true}};
CREATE INDEX member_of_via IF NOT EXISTS FOR ()-[m:MEMBER_OF]-() ON (m.via);
CREATE INDEX operation_finished IF NOT EXISTS FOR (o:Operation) ON (o.finishedAt);

MATCH (d:Decision) WHERE d.sides IS NOT NULL AND d.held IS NULL SET
d.held = [side IN d.sides | substring(side, size(split(side, ' ')[0]) + 1)];
MATCH (e:Erasure) WHERE e.dueAt IS NOT NULL AND e.seq IS NULL SET e.seq = e.dueAt;

CALL db.awaitIndexes(600);
