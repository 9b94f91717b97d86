// What stays of erased people: keyed hashes of their identifiers and ONE-IDs, and receipts.

CREATE CONSTRAINT tombstones_id IF NOT EXISTS FOR (t:Tombstones) REQUIRE t.id IS UNIQUE;
CREATE CONSTRAINT tombstone_hash IF NOT EXISTS FOR (t:Tombstone) REQUIRE t.hash IS UNIQUE;
CREATE INDEX tombstone_version IF NOT EXISTS FOR (t:Tombstone) ON (t.version);
CREATE CONSTRAINT erased_one_id_hash IF NOT EXISTS FOR (e:ErasedOneId) REQUIRE e.hash IS UNIQUE;
CREATE CONSTRAINT erasure_id IF NOT EXISTS FOR (e:Erasure) REQUIRE e.id IS UNIQUE;
CREATE INDEX erasure_due IF NOT EXISTS FOR (e:Erasure) ON (e.dueAt);

CALL db.awaitIndexes(300);
