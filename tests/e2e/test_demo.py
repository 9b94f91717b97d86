"""The demo tells the truth: one customer of seven fragments, and nobody merged by a tablet."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from oneid.cli import story
from tests.deployment import Deployment, deployment
from tests.servers import Servers

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def running(servers: Servers, clean: None, tmp_path: Path) -> Iterator[Deployment]:
    with deployment(tmp_path / "data", **servers.environment()) as found:
        yield found


def told(running: Deployment) -> tuple[str, dict[str, set[str]]]:
    """The customer that the demo tells of, and all identifiers of each customer of the story."""
    code, output = running.run("demo")
    assert code == 0, output
    assert "Seven fragments are 1 customer" in output
    customers: dict[str, set[str]] = {}
    for key in (*story.FRAGMENTS.values(), *story.STRANGERS.values(), story.TABLET):
        found = running.customer(*key)
        assert found is not None
        customers[found["oneId"]] = {f"{i['type']}:{i['value']}" for i in found["identifiers"]}
    one = running.customer(*story.PC)
    assert one is not None
    assert one["oneId"] in output
    return one["oneId"], customers


def test_seven_fragments_become_one_customer_and_a_tablet_merges_nobody_however_often_it_is_told(
    running: Deployment,
) -> None:
    one_id, customers = told(running)
    assert told(running) == (one_id, customers)
    keys = {":".join(key) for key in (*story.FRAGMENTS.values(), story.USER, story.UNIONID)}
    assert customers.pop(one_id) == keys | {"email:lin.yue@example.com"}
    tablet = ":".join(story.TABLET)
    assert sorted(customers.values(), key=len) == [
        {"user_id:demo-member-chenjing"},
        {"user_id:demo-member-wanglei", tablet},
    ]
    (orders,) = running.totals("Order Completed", sum="revenue")
    assert (orders["events"], orders["customers"], Decimal(orders["sum"])) == (2, 1, Decimal(678))
