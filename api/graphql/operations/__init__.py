"""Long-running operations in the schema."""
