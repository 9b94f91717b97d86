"""Safeguards are there for a reason: without any one of them a named test fails."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from oneid.embedded.state import State, save, state_file
from tests.faults.mutants import MUTANTS, Mutant
from tests.servers import Servers

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".oneid", "__pycache__", ".*_cache", ".hypothesis", "node_modules"
)


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
    file.write_text(whole.replace(mutant.safe, mutant.unsafe), encoding="utf-8")
    try:
        code, said = outcome(copy, mutant.test, None if mutant.alone else warm)
    finally:
        file.write_text(whole, encoding="utf-8")
    assert code == pytest.ExitCode.TESTS_FAILED, said
    assert "1 failed" in said
