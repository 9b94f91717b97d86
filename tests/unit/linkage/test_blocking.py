"""Which pairs of records are looked at, against counting them one by one."""

from itertools import combinations

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from oneid.linkage.blocking import (
    MIN_TRAINING_PAIRS,
    PAIRS_PER_RECORD,
    all_pairs,
    count_query,
    selective,
    training,
)

rows = st.lists(st.tuples(*[st.sampled_from([None, "a", "b"])] * 3), max_size=12)
columns = st.lists(st.sampled_from("abcdef"), min_size=2, max_size=6, unique=True)


@given(rows)
@settings(max_examples=50, deadline=None)
def test_the_query_counts_the_pairs_that_agree_on_both_columns(found: list[tuple[str | None, ...]]) -> None:
    connection = duckdb.connect(":memory:")
    connection.execute("CREATE TABLE people (f0 TEXT, f1 TEXT, f2 TEXT)")
    for row in found:
        connection.execute("INSERT INTO people VALUES (?, ?, ?)", row)
    for a, b in all_pairs(["f0", "f1", "f2"]):
        at = int(a[1]), int(b[1])
        expected = sum(
            all(one[n] is not None and one[n] == other[n] for n in at)
            for one, other in combinations(found, 2)
        )
        ((counted,),) = connection.execute(count_query("people", (a, b))).fetchall()
        assert counted == expected


def test_rules_that_bring_nothing_or_too_much_are_left_out_and_the_sharpest_comes_first() -> None:
    most = PAIRS_PER_RECORD * 100
    counts = {("a", "b"): most, ("a", "c"): 0, ("b", "c"): most + 1, ("c", "d"): 3}
    assert selective(counts, 100) == [("c", "d"), ("a", "b")]


@given(columns, st.data())
def test_what_is_learned_from_leaves_each_column_free_where_the_rules_allow_it(
    names: list[str], data: st.DataObject
) -> None:
    counts = {pair: data.draw(st.integers(1, 3 * MIN_TRAINING_PAIRS)) for pair in all_pairs(names)}
    rules = selective(counts, 1_000)
    usable = [pair for pair in rules if counts[pair] >= MIN_TRAINING_PAIRS]
    chosen = training(rules, counts, names)
    assert set(chosen) <= set(usable)
    free = {name for name in names if any(name not in pair for pair in usable)}
    assert {name for name in names if any(name not in pair for pair in chosen)} == free
