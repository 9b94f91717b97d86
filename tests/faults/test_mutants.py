"""Safeguards are there for a reason: without any one of them a named test fails."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from oneid.embedded.state import State, save, state_file
from tests.servers import Servers

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".oneid", "__pycache__", ".*_cache", ".hypothesis", "node_modules"
)
IDENTITY, UPKEEP = "tests/integration/identity/", "tests/integration/upkeep/"
ERASURE = "tests/integration/erasure/test_erasure_in_flight.py::"


@dataclass(frozen=True)
class Mutant:
    """A safeguard taken out of one file, and the test that must notice. `alone`: on servers of its own."""

    name: str
    file: str
    safe: str
    unsafe: str
    test: str
    alone: bool = False


MUTANTS = [
    Mutant(
        "an identifier may be there twice",
        "migrations/neo4j/V0001__identity.cypher",
        "CREATE CONSTRAINT identifier_key IF NOT EXISTS FOR (i:Identifier) REQUIRE i.key IS UNIQUE;",
        "CREATE INDEX identifier_key IF NOT EXISTS FOR (i:Identifier) ON (i.key);",
        IDENTITY + "test_concurrency.py::test_fifty_parallel_first_sightings_make_one_customer",
        alone=True,
    ),
    Mutant(
        "what is read of an identifier may change before it is written",
        "graph/identity.py",
        "MATCH (i:Identifier {key: key})\nREMOVE i:Locked\n",
        "MATCH (i:Identifier {key: key})\n",
        IDENTITY + "test_concurrency.py::test_who_reads_what_another_has_read_waits_until_that_one_is_done",
    ),
    Mutant(
        "a mark is taken off whatever happened meanwhile",
        "graph/projection.py",
        "WITH c, row WHERE c.version <> row[1]\nSET c:Dirty",
        "WITH c, row WHERE false\nSET c:Dirty",
        UPKEEP + "test_projection.py::test_a_change_between_reading_and_clearing_keeps_its_mark",
    ),
    Mutant(
        "an entry is forgotten before it is resolved",
        "workers/partition.py",
        '            batch = await persist(lambda: apply(entries), "resolving")',
        "            await self._log.finish(self._partition, [entry.id for entry in entries], {}, 60)\n"
        '            batch = await persist(lambda: apply(entries), "resolving")',
        IDENTITY + "test_partition_worker.py",
    ),
    Mutant(
        "an entry is forgotten before its events are stored",
        "workers/partition.py",
        '        await persist(lambda: self._service.store(batch), "storing")\n'
        '        await persist(lambda: self._service.finish(entries, batch), "finishing")',
        '        await persist(lambda: self._service.finish(entries, batch), "finishing")\n'
        '        await persist(lambda: self._service.store(batch), "storing")',
        IDENTITY + "test_partition_worker.py",
    ),
    Mutant(
        "a mark is taken off before the document is written",
        "oneid/services/projection.py",
        "        refused = await self._writer.write(live, gone)\n",
        "        await self._marks.clean({entry.record.one_id: entry.record.version for entry in batch})\n"
        "        refused = await self._writer.write(live, gone)\n",
        "tests/faults/test_projection_crashes.py",
    ),
    Mutant(
        "what was acknowledged is on the disk a second later",
        "oneid/embedded/valkey.py",
        '"appendfsync": "always"',
        '"appendfsync": "everysec"',
        "tests/faults/test_power_loss.py",
    ),
    Mutant(
        "whoever was erased comes back with what was on its way",
        "oneid/services/resolution.py",
        "received.barred = self._names_erased(received)",
        "received.barred = False",
        ERASURE + "test_entries_that_were_not_read_are_dropped",
    ),
    Mutant(
        "an older document replaces a newer one",
        "search/profiles.py",
        '"version_type": "external_gte"}\n    return Operation("index"',
        '"version_type": "force"}\n    return Operation("index"',
        UPKEEP + "test_projection.py::test_a_projector_that_comes_late_does_not_bring_back_the_old",
    ),
    Mutant(
        "a consumer that was superseded writes on",
        "graph/partitions.py",
        'row["holder"] != holder',
        "False",
        IDENTITY + "test_concurrency.py::test_a_superseded_consumer_writes_nothing",
    ),
    Mutant(
        "what was applied before a crash is applied again",
        "oneid/services/resolution.py",
        "if received.entry.id in applied:",
        "if False:",
        IDENTITY + "test_concurrency.py::test_entries_that_were_applied_before_a_crash_are_not_applied_again",
    ),
    Mutant(
        "a sticky split is forgotten",
        "oneid/domain/limits.py",
        "if separated(self._space, union):",
        "if False:",
        IDENTITY + "test_splits.py::test_a_sticky_split_is_respected_by_later_evidence",
    ),
    Mutant(
        "resolution goes on while identities are rebuilt",
        "graph/partitions.py",
        '(row["pausedUntil"] or 0) > lock',
        "False",
        IDENTITY
        + "test_reprocessing.py::test_resolution_waits_while_identities_are_rebuilt_and_goes_on_by_itself",
    ),
    Mutant(
        "events stored just after a move stay behind",
        "graph/divisions.py",
        '"last": move.again or move.gone',
        '"last": True',
        IDENTITY + "test_splits.py::test_an_event_stored_just_after_the_split_follows_by_the_second_look",
    ),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources, to be changed; the specification's data beside them."""
    target = tmp_path_factory.mktemp("mutants") / "main"
    shutil.copytree(ROOT, target, ignore=LEFT_OUT)
    shared = ROOT.parent / "shared"
    if shared.exists():
        (target.parent / "shared").symlink_to(shared)
    return target


@pytest.fixture(scope="module")
def warm(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This session's servers, for the sessions that are started here."""
    directory = tmp_path_factory.mktemp("warm")
    urls = {"neo4j": servers.neo4j, "redis": servers.redis, "opensearch": servers.opensearch}
    save(directory, State(urls=urls))
    return state_file(directory)


def outcome(copy: Path, test: str, warm: Path | None) -> tuple[int, str]:
    """pytest's exit code and output for one test of the copy."""
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    environment.pop("ONEID_TEST_SERVERS", None)
    if warm:
        environment["ONEID_TEST_SERVERS"] = str(warm)
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_the_copy_passes_as_it_is(copy: Path, warm: Path) -> None:
    for test in dict.fromkeys(mutant.test for mutant in MUTANTS):
        code, said = outcome(copy, test, warm)
        assert code == pytest.ExitCode.OK, said


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_without_a_safeguard_a_test_fails(mutant: Mutant, copy: Path, warm: Path) -> None:
    file = copy / mutant.file
    whole = file.read_text(encoding="utf-8")
    assert whole.count(mutant.safe) == 1, "the safeguard has moved: name it anew"
    file.write_text(whole.replace(mutant.safe, mutant.unsafe), encoding="utf-8")
    try:
        code, said = outcome(copy, mutant.test, None if mutant.alone else warm)
    finally:
        file.write_text(whole, encoding="utf-8")
    assert code == pytest.ExitCode.TESTS_FAILED, said
    assert "1 failed" in said
