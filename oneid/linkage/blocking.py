"""Which pairs are worth comparing: those that agree on two fields, where few agree by chance."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final

Pair = tuple[str, str]

#: Pairs of records that one rule may bring, for each record.
PAIRS_PER_RECORD: Final = 10

#: A rule that brings fewer pairs than this teaches nothing.
MIN_TRAINING_PAIRS: Final = 50


def count_query(table: str, pair: Pair) -> str:
    """SQL that counts the pairs of records that agree on both columns."""
    a, b = pair
    groups = f"SELECT count(*) AS n FROM {table} WHERE {a} IS NOT NULL AND {b} IS NOT NULL GROUP BY {a}, {b}"
    return f"SELECT coalesce(sum(n * (n - 1) / 2), 0) FROM ({groups})"


def all_pairs(columns: Sequence[str]) -> list[Pair]:
    return list(combinations(columns, 2))


def selective(counts: Mapping[Pair, int], records: int) -> list[Pair]:
    """The pairs of columns worth blocking on, those that bring the fewest pairs of records first."""
    most = PAIRS_PER_RECORD * records
    return sorted((pair for pair in counts if 0 < counts[pair] <= most), key=lambda pair: counts[pair])


def training(pairs: Sequence[Pair], counts: Mapping[Pair, int], columns: Sequence[str]) -> list[Pair]:
    """Pairs of columns to learn from: each column is left free by at least one, as far as there are any."""
    usable = [pair for pair in pairs if counts[pair] >= MIN_TRAINING_PAIRS]
    chosen, unlearned = list[Pair](), set(columns)
    while unlearned and usable:
        best = max(usable, key=lambda pair: len(unlearned.difference(pair)))
        if unlearned <= set(best):
            break
        chosen.append(best)
        unlearned &= set(best)
    return chosen
