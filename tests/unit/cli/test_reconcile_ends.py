"""`oneid reconcile --repair` does what was marked, and ends although others go on marking."""

import asyncio
from typing import cast

from oneid.bootstrap import Upkeep
from oneid.cli import reconcile
from oneid.services.reconciliation import Lag


class Busy:
    """Everything that it is asked: there is always one more customer."""

    def __init__(self) -> None:
        self.projection = self.rehoming = self.reconciliation = self
        self.rounds = 0

    async def lag(self) -> Lag:
        return Lag(dirty=5, seconds=1.0)

    async def run_once(self) -> int:
        self.rounds += 1
        await asyncio.sleep(0)
        return 1


async def test_steady_writes_do_not_keep_it_for_ever() -> None:
    busy = Busy()
    async with asyncio.timeout(5):
        await reconcile.settle(cast(Upkeep, busy))
    assert busy.rounds == 2 * 5 + reconcile.MOST_MOVES
