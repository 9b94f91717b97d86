"""Scores in the schema: RFM and VAP."""
