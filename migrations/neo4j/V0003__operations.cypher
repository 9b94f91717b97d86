// Long-running operations. `slot` is held while one is unfinished: two that must not run at once share it.

CREATE CONSTRAINT operation_id IF NOT EXISTS FOR (o:Operation) REQUIRE o.id IS UNIQUE;
CREATE CONSTRAINT operation_slot IF NOT EXISTS FOR (o:Operation) REQUIRE o.slot IS UNIQUE;
CREATE INDEX operation_due IF NOT EXISTS FOR (o:Operation) ON (o.dueAt);
CREATE CONSTRAINT operation_chunk_id IF NOT EXISTS FOR (c:OperationChunk) REQUIRE c.id IS UNIQUE;
CREATE INDEX operation_chunk_operation IF NOT EXISTS FOR (c:OperationChunk) ON (c.operation);

CALL db.awaitIndexes(300);
