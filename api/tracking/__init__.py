"""The tracking API: what client libraries of Segment, RudderStack, Jitsu and PostHog send to."""
