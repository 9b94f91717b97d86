"""F16 and F17: a projector dies at each of its requests, before it and after it. The next one makes it good: writing
comes before the clearing of the mark, so that nothing but the same is written twice."""

import pytest

from oneid.bootstrap import Stores, upkeep
from tests.faults.crashing import Crash, Fuse, dying
from tests.faults.invariants import profiles_equal_graph
from tests.pipeline import Pipeline, event, open_pipeline


@pytest.fixture
async def pipeline(clean: None, stores: Stores) -> Pipeline:
    return await open_pipeline(stores)


async def change(pipeline: Pipeline, number: int) -> None:
    """Somebody new, somebody who changes, and two who become one."""
    await pipeline.ingest(
        event(user_id=f"u{number}"),
        event(user_id="u", anonymous_id=f"a{number}"),
        event(user_id=f"v{number}"),
        event(user_id=f"v{number}", phone=f"138{number:08}"),
        event(anonymous_id=f"w{number}"),
    )
    await upkeep(pipeline.stores).projection.run_once()
    await pipeline.ingest(event(user_id=f"v{number}", anonymous_id=f"w{number}"), event(user_id=f"u{number}"))


async def crashes(pipeline: Pipeline, fuse: Fuse) -> bool:
    """Whether a projector has died of the fuse."""
    try:
        await upkeep(dying(pipeline.stores, fuse)).projection.run_once()
    except Crash:
        return True
    return False


async def test_a_projector_that_dies_at_any_request_leaves_nothing_that_the_next_does_not_make_good(
    pipeline: Pipeline, stores: Stores
) -> None:
    died = [0, 0]
    for done in (False, True):
        at = 1
        await change(pipeline, at + 100 * done)
        while await crashes(pipeline, Fuse(at, done=done)):
            died[done] += 1
            while await upkeep(stores).projection.run_once():
                continue
            await stores.profiles.refresh()
            await profiles_equal_graph(stores)
            at += 1
            await change(pipeline, at + 100 * done)
    assert min(died) >= 3
