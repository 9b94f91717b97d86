// Evidence of the same content is told once, whatever message it came with.

CREATE INDEX decision_content IF NOT EXISTS FOR (d:Decision) ON (d.content);

CALL db.awaitIndexes(300);
