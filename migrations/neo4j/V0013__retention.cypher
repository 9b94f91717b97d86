// Retention policies: who is erased by rule.

CREATE CONSTRAINT retention_key IF NOT EXISTS FOR (p:RetentionPolicy) REQUIRE p.key IS UNIQUE;

CALL db.awaitIndexes(300);
