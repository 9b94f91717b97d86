"""How good the graph is at people whose duplicates are known, and how good its proposals are.

The figures are those of docs/identity.md; tests/real measures the rest of them.
"""

import pytest

from oneid.bootstrap import Services, Stores, assemble
from oneid.log.replies import Replies
from oneid.settings import Settings
from tests.labelled_import import People, documented
from tests.labelled_people import FEBRL_3, FEBRL_4, records
from tests.pipeline import Pipeline


@pytest.fixture
def services(settings: Settings, stores: Stores) -> Services:
    return assemble(settings, stores, Replies(stores.redis))


async def test_the_graph_joins_whoever_shares_a_number_and_nobody_else(
    pipeline: Pipeline, services: Services
) -> None:
    people = People(pipeline, services, records(FEBRL_3))
    await people.send("soc_sec_id")
    assert documented("FEBRL 3, by number", await people.quality())


async def test_proposals_complete_what_the_graph_joins(pipeline: Pipeline, services: Services) -> None:
    people = People(pipeline, services, records(FEBRL_4, people=300))
    await people.send("soc_sec_id")
    by_number = await people.quality()
    proposed = await people.propose()
    assert await people.quality() == by_number
    expected = await people.proposed_quality()
    assert await people.accept_all() == proposed
    completed = await people.quality()
    assert completed == expected
    assert by_number.f1 < 0.97
    assert completed.f1 >= 0.98


async def test_proposals_find_people_by_what_is_known_of_them_alone(
    pipeline: Pipeline, services: Services
) -> None:
    people = People(pipeline, services, records(FEBRL_4, people=300))
    await people.send()
    assert (await people.quality()).recall == 0
    await people.propose()
    assert (await people.proposed_quality()).f1 >= 0.98
