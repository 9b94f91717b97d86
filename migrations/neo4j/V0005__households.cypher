// Households above people, merges proposed to people, and the demotions that tell which values are shared.

CREATE CONSTRAINT household_key IF NOT EXISTS FOR (h:Household) REQUIRE h.key IS UNIQUE;
CREATE CONSTRAINT household_id IF NOT EXISTS FOR (h:Household) REQUIRE h.id IS UNIQUE;

CREATE CONSTRAINT merge_proposal_id IF NOT EXISTS FOR (p:MergeProposal) REQUIRE p.id IS UNIQUE;
CREATE INDEX merge_proposal_weight IF NOT EXISTS FOR (p:MergeProposal) ON (p.weight);

CREATE INDEX decision_kind IF NOT EXISTS FOR (d:Decision) ON (d.kind);

CALL db.awaitIndexes(300);
