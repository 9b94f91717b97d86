"""Segment rules as queries of the profile index, and the histories that timed conditions come from."""
