"""Segment rules: one language for segments, filters of journeys and rules of tags."""
