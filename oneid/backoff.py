"""Pauses between tries."""

import random


class Backoff:
    """Each pause is twice as long as the one before, from `first` seconds up to `longest`, less up to a half of it
    at random, so that those who failed together do not come back together."""

    def __init__(self, first: float = 0.1, longest: float = 5.0) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    def next(self) -> float:
        """Seconds to wait now."""
        pause, self._next = self._next, min(2 * self._next, self._longest)
        return random.uniform(0.5, 1.0) * pause

    def after(self, failures: int) -> float:
        """Seconds to wait after so many failures, where it is kept elsewhere how many there were."""
        return random.uniform(0.5, 1.0) * min(self._first * 2.0 ** (failures - 1), self._longest)

    def reset(self) -> None:
        """It worked: the next failure is a first one."""
        self._next = self._first
