// The identity graph: who is who, and why. Uniqueness is what makes concurrent MERGE safe.

CREATE CONSTRAINT identifier_key IF NOT EXISTS FOR (i:Identifier) REQUIRE i.key IS UNIQUE;
CREATE CONSTRAINT customer_one_id IF NOT EXISTS FOR (c:Customer) REQUIRE c.oneId IS UNIQUE;
CREATE INDEX customer_upsert IF NOT EXISTS FOR (c:Customer) ON (c.upsert);

CREATE CONSTRAINT decision_id IF NOT EXISTS FOR (d:Decision) REQUIRE d.id IS UNIQUE;
CREATE INDEX decision_one_id IF NOT EXISTS FOR (d:Decision) ON (d.oneId);
CREATE INDEX decision_sequence IF NOT EXISTS FOR (d:Decision) ON (d.seq);
CREATE INDEX decision_message IF NOT EXISTS FOR (d:Decision) ON (d.messageId);

CREATE CONSTRAINT identity_rules_id IF NOT EXISTS FOR (r:IdentityRules) REQUIRE r.id IS UNIQUE;
CREATE CONSTRAINT partition_id IF NOT EXISTS FOR (p:Partition) REQUIRE p.id IS UNIQUE;
CREATE CONSTRAINT api_key_id IF NOT EXISTS FOR (k:ApiKey) REQUIRE k.id IS UNIQUE;
CREATE CONSTRAINT clock_id IF NOT EXISTS FOR (c:Clock) REQUIRE c.id IS UNIQUE;

CALL db.awaitIndexes(300);
