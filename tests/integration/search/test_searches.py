"""Several searches in one request: their answers in order, and an error of one is the error of all."""

import pytest
from opensearchpy.exceptions import TransportError

from search.client import Search
from search.indexes import IndexNames
from search.profiles import ProfileIndex
from search.totals import point_in_time
from tests.integration.search.factories import customer


async def test_each_search_is_answered_in_its_place(
    search: Search, names: IndexNames, profiles: ProfileIndex
) -> None:
    await profiles.write([customer(f"c{number}", sequence=number) for number in range(5)], ())
    await profiles.refresh()
    queries = {f"over {least}": {"range": {"sequence": {"gte": least}}} for least in range(3)}
    assert await profiles.counts(queries) == {"over 0": 5, "over 1": 4, "over 2": 3}


async def test_a_search_that_fails_among_others_fails_them(search: Search, names: IndexNames) -> None:
    async with point_in_time(search, names.profiles) as gone:
        pass
    async with point_in_time(search, names.profiles) as there:
        bodies = [{"pit": {"id": pit, "keep_alive": "1m"}, "size": 0} for pit in (there, gone)]
        with pytest.raises(TransportError) as raised:
            await search.searches(bodies)
    assert raised.value.status_code == 404
