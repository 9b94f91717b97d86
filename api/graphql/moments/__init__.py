"""Moments of truth in the schema."""
