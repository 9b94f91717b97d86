// Who is in which segment and when that changes; tags, lifecycles, models of scores.

CREATE CONSTRAINT transition_id IF NOT EXISTS FOR (t:SegmentTransition) REQUIRE t.id IS UNIQUE;
CREATE INDEX transition_order IF NOT EXISTS FOR (t:SegmentTransition) ON (t.sequence);
CREATE INDEX transition_segment IF NOT EXISTS FOR (t:SegmentTransition) ON (t.segment, t.sequence);
CREATE INDEX transition_customer IF NOT EXISTS FOR (t:SegmentTransition) ON (t.oneId);
CREATE INDEX customer_wake IF NOT EXISTS FOR (c:Customer) ON (c.wakeAt);
CREATE INDEX customer_evaluate IF NOT EXISTS FOR (c:Customer) ON (c.evaluateAt);

CREATE CONSTRAINT tag_id IF NOT EXISTS FOR (t:Tag) REQUIRE t.id IS UNIQUE;
CREATE INDEX tag_path IF NOT EXISTS FOR (t:Tag) ON (t.path);

CREATE CONSTRAINT lifecycle_id IF NOT EXISTS FOR (l:Lifecycle) REQUIRE l.id IS UNIQUE;
CREATE CONSTRAINT lifecycle_key IF NOT EXISTS FOR (l:Lifecycle) REQUIRE l.key IS UNIQUE;
CREATE CONSTRAINT stage_change_id IF NOT EXISTS FOR (s:StageChange) REQUIRE s.id IS UNIQUE;
CREATE INDEX stage_change_order IF NOT EXISTS FOR (s:StageChange) ON (s.lifecycle, s.at);
CREATE INDEX stage_change_customer IF NOT EXISTS FOR (s:StageChange) ON (s.oneId);

CREATE CONSTRAINT score_model_key IF NOT EXISTS FOR (m:ScoreModel) REQUIRE m.key IS UNIQUE;

CALL db.awaitIndexes(300);
