"""The moves of events between customers that the worker does by and by, at once."""

from oneid.bootstrap import Stores, upkeep

#: A look at what was split, the moves that waited for it, a look at these.
ROUNDS = 3


async def look_again(stores: Stores) -> None:
    """Does all moves, and takes the second look at all of them."""
    for _ in range(ROUNDS):
        while await upkeep(stores).rehoming.run_once():
            continue
        await stores.graph.write("test.due", "MATCH (d:Division) SET d.moveAfter = 1")
        await stores.graph.write(
            "test.due", "MATCH (c:Customer) WHERE c.rehomeAfter > 1 SET c.rehomeAfter = 1"
        )
    await stores.events.refresh()
