"""The business clock in the schema."""
