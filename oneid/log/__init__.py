"""The durable log in Redis: accepted events, what was seen, answers to waiting callers, dead letters.

Everything here relies on `appendonly yes` and `appendfsync always`: an answer from Redis means "on disk".
"""
