// Segments, and the timed conditions that are materialised for them.

CREATE CONSTRAINT segment_id IF NOT EXISTS FOR (s:Segment) REQUIRE s.id IS UNIQUE;
CREATE CONSTRAINT segment_key IF NOT EXISTS FOR (s:Segment) REQUIRE s.key IS UNIQUE;
CREATE CONSTRAINT condition_id IF NOT EXISTS FOR (k:Condition) REQUIRE k.id IS UNIQUE;
CREATE CONSTRAINT condition_counter_id IF NOT EXISTS FOR (n:ConditionCounter) REQUIRE n.id IS UNIQUE;

CALL db.awaitIndexes(300);
