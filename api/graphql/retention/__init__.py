"""Retention in the schema."""
