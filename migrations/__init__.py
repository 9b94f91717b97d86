"""Schema changes of both stores, in order, with their history in Neo4j."""
