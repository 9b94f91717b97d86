"""Lifecycles in the schema."""
