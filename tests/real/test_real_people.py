"""All labelled people: joined by number, by proposals, by both."""

import pytest

from oneid.bootstrap import Services, Stores, assemble
from oneid.log.replies import Replies
from oneid.settings import Settings
from tests.labelled_import import People, documented
from tests.labelled_people import FEBRL_3, FEBRL_4, records
from tests.pipeline import Pipeline, open_pipeline

pytestmark = [pytest.mark.real, pytest.mark.timeout(1800), pytest.mark.usefixtures("clean")]


@pytest.fixture
async def pipeline(stores: Stores) -> Pipeline:
    return await open_pipeline(stores)


@pytest.fixture
def services(settings: Settings, stores: Stores) -> Services:
    return assemble(settings, stores, Replies(stores.redis))


async def test_all_of_febrl_4_is_as_good_as_the_document_says(pipeline: Pipeline, services: Services) -> None:
    people = People(pipeline, services, records(FEBRL_4))
    await people.send("soc_sec_id")
    by_number = await people.quality()
    await people.propose()
    completed = await people.proposed_quality()
    assert completed.f1 >= 0.98
    assert documented("FEBRL 4, by number", by_number)
    assert documented("FEBRL 4, by number, then proposals", completed)


@pytest.mark.parametrize(("name", "files"), [("3", FEBRL_3), ("4", FEBRL_4)])
async def test_proposals_by_attributes_alone_are_as_good_as_the_document_says(
    pipeline: Pipeline, services: Services, name: str, files: tuple[str, ...]
) -> None:
    people = People(pipeline, services, records(files))
    await people.send()
    await people.propose()
    found = await people.proposed_quality()
    assert found.f1 >= 0.98
    assert documented(f"FEBRL {name}, proposals alone", found)
