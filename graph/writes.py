"""The statements that write the identity graph, one UNWIND each."""

from typing import Final, LiteralString

Query = LiteralString

CREATE_CUSTOMERS: Final = """
UNWIND $rows AS row
CREATE (c:Customer:Dirty)
SET c = row.set
WITH c, row UNWIND row.identifiers AS identifier
CREATE (i:Identifier)-[:IDENTIFIES]->(c)
SET i = identifier
"""

CREATE_IDENTIFIERS: Final = """
UNWIND $rows AS row
CREATE (i:Identifier)
SET i = row.set
WITH i, row WHERE row.owner IS NOT NULL
MATCH (c:Customer {oneId: row.owner})
CREATE (i)-[:IDENTIFIES]->(c)
"""

UPDATE_CUSTOMERS: Final = """
UNWIND $rows AS row
MATCH (c:Customer {oneId: row.oneId})
SET c:Dirty, c += row.set
"""

TOUCH_CUSTOMERS: Final = """
UNWIND $rows AS row
MATCH (c:Customer {oneId: row[0]})
SET c:Dirty, c.version = row[1], c.updatedAt = row[2]
"""

UNLINK: Final = """
UNWIND $rows AS key
MATCH (:Identifier {key: key})-[r:IDENTIFIES]->(:Customer)
DELETE r
"""

SET_IDENTIFIERS: Final = """
UNWIND $rows AS row
MATCH (i:Identifier {key: row.key})
SET i += row.set
"""

SEE_IDENTIFIERS: Final = """
UNWIND $rows AS row
MATCH (i:Identifier {key: row[0]})
SET i.lastSeenAt = row[1]
"""

LINK: Final = """
UNWIND $rows AS row
MATCH (i:Identifier {key: row[0]})
MATCH (c:Customer {oneId: row[1]})
CREATE (i)-[:IDENTIFIES]->(c)
"""

#: `stored`: the customer was known before this transaction, so events may be stored under its ONE-ID.
MERGE_AWAY: Final = """
UNWIND $rows AS row
MATCH (loser:Customer {oneId: row.from})
MATCH (survivor:Customer {oneId: row.into})
SET loser:Merged, loser.mergedAt = row.at
CREATE (loser)-[:MERGED_INTO]->(survivor)
FOREACH (_ IN CASE WHEN row.stored THEN [1] ELSE [] END | SET loser:Rehome)
FOREACH (_ IN CASE WHEN loser:Rebuild THEN [1] ELSE [] END | SET survivor:Rebuild REMOVE loser:Rebuild)
WITH loser, survivor
MATCH (former:Merged)-[redirect:MERGED_INTO]->(loser)
DELETE redirect
CREATE (former)-[:MERGED_INTO]->(survivor)
SET former:Rehome
"""

#: A former customer is one again. Marks of moves that its merge asked for are void.
RESTORE: Final = """
UNWIND $rows AS oneId
MATCH (c:Customer {oneId: oneId})-[redirect:MERGED_INTO]->(:Customer)
REMOVE c:Merged, c:Rehome, c.mergedAt, c.rehomedTo, c.rehomeAfter
DELETE redirect
"""

REDIRECT: Final = """
UNWIND $rows AS row
MATCH (former:Customer {oneId: row[0]})-[redirect:MERGED_INTO]->(:Customer)
MATCH (target:Customer {oneId: row[1]})
DELETE redirect
CREATE (former)-[:MERGED_INTO]->(target)
"""

#: Whose events a division shares out: what they had then. Merges must not mix others' in meanwhile.
SHARE_OUT: Final = """
WITH d UNWIND d.from AS one_id
MATCH (divided:Customer {oneId: one_id})
CREATE (d)-[:SHARES_OUT]->(divided)
"""

#: Events may lie under the ONE-ID that the part left, under all that redirected to it, and under those that other
#: parts have got back. What comes after the split has been resolved with it.
ADD_DIVISIONS: Final = f"""
UNWIND $rows AS row
MATCH (c:Customer {{oneId: row.from}})
WITH row, [(former:Merged)-[:MERGED_INTO]->(c) | former.oneId] AS formers
CREATE (d:Division {{id: randomUUID(), from: [row.from] + formers + row.strays, to: row.to, keys: row.keys,
                    stay: row.stay, until: row.until, moveAfter: 0}})
{SHARE_OUT}
"""

#: Events of before the split that still lie under a ONE-ID which the part has got back go to the customer that it left,
#: where they name what stayed.
ADD_RETURNS: Final = f"""
UNWIND $rows AS row
CREATE (d:Division {{id: randomUUID(), from: row.back, to: row.from, keys: row.stay, stay: [], until: row.until,
                    moveAfter: 0}})
{SHARE_OUT}
"""

MARK_REBUILD: Final = "UNWIND $rows AS oneId MATCH (c:Customer {oneId: oneId}) SET c:Rebuild"

ADD_DECISIONS: Final = """
UNWIND $rows AS row
MERGE (d:Decision {id: row.id})
ON CREATE SET d += row.set
"""

#: Evidence that is there already, with whatever message, is not told again.
ADD_DECISIONS_ONCE: Final = """
UNWIND $rows AS row
OPTIONAL MATCH (same:Decision {content: row.set.content})
WITH row, count(same) AS known WHERE known = 0
MERGE (d:Decision {id: row.id})
ON CREATE SET d += row.set
"""
