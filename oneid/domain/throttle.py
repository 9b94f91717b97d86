"""A token bucket: so many a second, with bursts."""


class TokenBucket:
    """Starts full. `rate` tokens come back a second, up to `burst`."""

    def __init__(self, *, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at: float | None = None

    @property
    def left(self) -> float:
        """The tokens that were left when some were last asked for."""
        return self._tokens

    def take(self, now: float, tokens: float = 1) -> float:
        """Takes tokens at the monotonic time `now`. Returns 0, or the seconds until there are so many."""
        elapsed = now - self._at if self._at is not None else 0.0
        self._at = now
        self._tokens = min(self._burst, self._tokens + elapsed * self._rate)
        if self._tokens < tokens:
            return (tokens - self._tokens) / self._rate
        self._tokens -= tokens
        return 0.0
