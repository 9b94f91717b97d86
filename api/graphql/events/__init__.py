"""Events in the schema."""
