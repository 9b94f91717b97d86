"""Declared attributes in the schema."""
