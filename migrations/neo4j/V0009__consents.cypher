// Every change of a consent, for ever: `told` is the consent as a text that is unlike any other's.

CREATE CONSTRAINT consent_change IF NOT EXISTS FOR (s:ConsentChange) REQUIRE (s.oneId, s.told) IS UNIQUE;
CREATE INDEX consent_change_customer IF NOT EXISTS FOR (s:ConsentChange) ON (s.oneId);
CREATE INDEX consent_change_told IF NOT EXISTS FOR (s:ConsentChange) ON (s.told);

CALL db.awaitIndexes(300);
