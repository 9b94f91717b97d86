// A split is found under both customers that it left; its events move by a mark of their own.

CREATE INDEX decision_split_one_id IF NOT EXISTS FOR (d:Decision) ON (d.splitOneId);
CREATE CONSTRAINT division_id IF NOT EXISTS FOR (d:Division) REQUIRE d.id IS UNIQUE;

CALL db.awaitIndexes(300);
