"""Merge proposals in the schema."""
