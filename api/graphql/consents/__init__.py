"""Consents in the schema."""
