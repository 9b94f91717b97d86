// An upsert whose answer was lost is found again by its message.

CREATE INDEX customer_upsert IF NOT EXISTS FOR (c:Customer) ON (c.upsert);

CALL db.awaitIndexes(300);
