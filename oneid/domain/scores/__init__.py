"""Scores: RFM and VAP. A model turns into conditions of time, so that every score is exact at every instant."""
