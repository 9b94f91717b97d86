"""The limits of length that `make lint` holds."""

import pytest

from scripts.limits import faults_of


def function(lines: int, head: str = "") -> str:
    """A function of so many lines."""
    return f"{head}def f():\n" + "    x = 1\n" * (lines - 1)


@pytest.mark.parametrize(
    "source",
    [
        "x = 1\n" * 400,
        function(40),
        function(40, head="@decorated\n"),
        function(40).replace("def f():\n", 'def f():\n    """Says.\n\n    More.\n    """\n'),
    ],
    ids=["a file of 400 lines", "a function of 40", "decorated", "with a docstring"],
)
def test_what_is_at_the_limit_passes(source: str) -> None:
    assert list(faults_of("a.py", source)) == []


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("x = 1\n" * 401, "a.py:1: the file has 401 lines, more than 400"),
        ("x = 1\n" + function(41), "a.py:2: f has 41 lines, more than 40"),
        ("async " + function(41), "a.py:1: f has 41 lines, more than 40"),
        ("class C:\n    def f(self):\n" + "        x = 1\n" * 40, "a.py:2: f has 41 lines, more than 40"),
    ],
)
def test_what_is_over_it_is_named_with_its_place(source: str, fault: str) -> None:
    assert list(faults_of("a.py", source)) == [fault]
