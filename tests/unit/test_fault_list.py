"""docs/faults.md names tests that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FAULTS = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
TESTS = {path.name: path for path in (ROOT / "tests").rglob("*.py")}


def test_every_file_and_every_test_that_is_named_is_there() -> None:
    files = re.findall(r"`([\w/]+\.py)`", FAULTS)
    assert len(files) > 30
    for name in files:
        path = ROOT / name if "/" in name else TESTS.get(name)
        assert path is not None, name
        assert path.exists(), name
    sources = "".join(path.read_text(encoding="utf-8") for path in TESTS.values())
    assert all(f"def {name}(" in sources for name in re.findall(r"`(test_\w+)`", FAULTS))


def test_every_number_has_a_row() -> None:
    rows = [
        int(n)
        for line in FAULTS.splitlines()
        if line.startswith("| F")
        for n in re.findall(r"F(\d+)", line.split("|")[1])
    ]
    assert rows == [*range(1, 5), *range(6, 25), *range(28, 32), *range(38, 42)]
