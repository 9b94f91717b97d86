"""The tracking API: what client libraries of Segment, RudderStack and Jitsu send to."""
