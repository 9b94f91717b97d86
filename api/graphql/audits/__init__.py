"""The audit of data in the schema."""
