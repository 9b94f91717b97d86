"""Real purchases, the first lines of each file: in through Segment's client, read back over GraphQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deployment import Deployment, deployment, finished, wait_for
from tests.real_data import CDNOW, FILES, ONLINE_RETAIL, Counted, RealFile, assert_read_back
from tests.servers import Servers

LINES = 5_000
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def running(servers: Servers, clean: None, tmp_path: Path) -> Iterator[Deployment]:
    with deployment(tmp_path / "data", **servers.environment()) as found:
        yield found


def shortened(file: RealFile, directory: Path) -> tuple[tuple[str, ...], Counted]:
    """The import of the file's first lines, and what they hold."""
    path = file.short(directory, LINES)
    return file.command(path), file.count(path.read_bytes().decode(file.encoding))


def test_what_goes_in_is_read_back_exactly_also_when_it_is_sent_twice(
    running: Deployment, tmp_path: Path
) -> None:
    for _ in range(2):
        for file in FILES:
            code, output = running.run(*shortened(file, tmp_path)[0])
            assert (code, f"{LINES - 1:,} rows accepted" in output) == (0, True), output
        running.drain(300)
        for file in FILES:
            assert_read_back(running, file, shortened(file, tmp_path)[1])


def test_whatever_is_killed_half_way_another_run_loses_and_doubles_nothing(
    running: Deployment, tmp_path: Path
) -> None:
    (orders, counted_orders), (lines, counted_lines) = (shortened(file, tmp_path) for file in FILES)
    importing = running.start(*orders)
    wait_for(lambda: running.accepted() >= LINES / 4, 120, "nothing is accepted")
    running.kill("api", "consumer")
    code, output = finished(importing)
    assert code == 0, output
    importing = running.start(*lines)
    before = running.accepted()
    wait_for(lambda: running.accepted() >= before + LINES / 4, 120, "nothing is accepted")
    importing.kill()
    assert finished(importing)[0] < 0
    assert [running.run(*command)[0] for command in (orders, lines)] == [0, 0]
    running.drain(300)
    assert_read_back(running, CDNOW, counted_orders)
    assert_read_back(running, ONLINE_RETAIL, counted_lines)
