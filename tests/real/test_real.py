"""All real purchases: in through Segment's client, read back over GraphQL, to the cent."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.deployment import Deployment, deployment, finished, wait_for
from tests.real_data import CDNOW, DATA, FILES, ONLINE_RETAIL, Counted, RealFile, assert_read_back

pytestmark = [pytest.mark.real, pytest.mark.timeout(7200)]
DRAIN_SECONDS = 3600


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Deployment]:
    """A deployment with servers of its own."""
    with deployment(tmp_path / "data") as found:
        yield found


def send(running: Deployment, file: RealFile) -> None:
    code, output = running.run(*file.command(DATA / file.name))
    print(f"{file.name}: {output.strip().splitlines()[-1]}")  # noqa: T201 - `make real` shows the rate
    assert code == 0, output


def counted_files() -> dict[str, Counted]:
    """What the files hold, checked against what is published of them."""
    found = {file.name: file.count(file.text()) for file in FILES}
    cdnow, retail = found[CDNOW.name], found[ONLINE_RETAIL.name]
    assert (cdnow.events, len(cdnow.customers)) == (69_659, 23_570)
    assert cdnow.items == 167_881
    assert cdnow.money == Decimal("2500315.63")
    known = {value: events for (kind, value), events in retail.customers.items() if kind == "user_id"}
    assert (retail.events, len(known), retail.events - sum(known.values())) == (39_529, 922, 13_766)
    assert retail.money == Decimal("681528.61")
    return found


def test_every_purchase_is_read_back_exactly_also_when_sent_twice(running: Deployment) -> None:
    counted = counted_files()
    for _ in range(2):
        for file in FILES:
            send(running, file)
        running.drain(DRAIN_SECONDS)
        for file in FILES:
            assert_read_back(running, file, counted[file.name])


def test_every_purchase_is_there_once_when_the_server_is_killed_half_way(running: Deployment) -> None:
    counted = counted_files()
    importing = running.start(*CDNOW.command(DATA / CDNOW.name))
    wait_for(lambda: running.accepted() >= counted[CDNOW.name].events / 2, 1800, "too little is accepted")
    running.kill("api", "consumer")
    code, output = finished(importing)
    assert code == 0, output
    for file in FILES:
        send(running, file)
    running.drain(DRAIN_SECONDS)
    for file in FILES:
        assert_read_back(running, file, counted[file.name])
