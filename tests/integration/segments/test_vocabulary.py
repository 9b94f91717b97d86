"""What is counted with what was read last is counted with what there is now."""

from collections.abc import Awaitable, Callable

import pytest

from oneid.bootstrap.stores import vocabulary
from oneid.domain.catalog import AttributeType
from oneid.errors import NotFound
from oneid.services.attributes import AttributeService, DefinitionChange
from oneid.services.vocabulary import Vocabulary
from tests.pipeline import Pipeline


def noted(seen: list[int]) -> Callable[[Vocabulary], Awaitable[int]]:
    """Tells how many attributes there are; raises where there are none."""

    async def work(known: Vocabulary) -> int:
        seen.append(len(known.catalog.by_key))
        if not seen[-1]:
            raise NotFound("there is no attribute")
        return seen[-1]

    return work


async def test_work_is_done_once_where_nothing_changed_and_anew_where_something_did(
    pipeline: Pipeline, attributes: AttributeService
) -> None:
    service, seen = vocabulary(pipeline.stores.graph), list[int]()
    await service.current()
    await attributes.define(DefinitionChange("city", AttributeType.STRING))

    assert await service.through(noted(seen)) == 1
    assert seen == [0, 1], "what failed with what was read last does not count"
    assert await service.through(noted(seen)) == 1
    assert seen == [0, 1, 1]


async def test_work_that_fails_with_all_as_it_is_now_fails(pipeline: Pipeline) -> None:
    service, seen = vocabulary(pipeline.stores.graph), list[int]()
    for count in (1, 2):
        with pytest.raises(NotFound):
            await service.through(noted(seen))
        assert len(seen) == count
