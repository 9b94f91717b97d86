"""The safeguards that `make faults` takes out."""

from pathlib import Path

import pytest

from tests.faults.mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_each_safeguard_is_where_it_is_looked_for(mutant: Mutant) -> None:
    assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.safe) == 1


def test_each_test_that_must_notice_is_there() -> None:
    for mutant in MUTANTS:
        file, _, name = mutant.test.partition("::")
        path = ROOT / file
        assert path.exists(), file
        assert not name or f"def {name}(" in path.read_text(encoding="utf-8"), mutant.test
