"""Likely duplicates among people, found with Splink (Fellegi and Sunter's model, learned from the data themselves).

Everything happens in DuckDB in this process's memory. Splink is an extra: `oneid-cdp[proposals]`.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from oneid.domain.matching import Agreement, Comparison, FieldEvidence, Match, MatchField
from oneid.errors import Conflict, InvalidInput
from oneid.linkage.blocking import Pair, all_pairs, count_query, selective, training

if TYPE_CHECKING:
    from splink import DuckDBAPI, Linker

TABLE: Final = "people"
UNIQUE: Final = "unique_id"

#: Pairs of records from which chance agreement is learned, and the seed of their choice.
SAMPLE_PAIRS: Final = 2e6
SEED: Final = 1

#: The share of duplicates that agree exactly on one of the most selective pairs of fields.
RECALL: Final = 0.8
PRIOR_RULES: Final = 4


@dataclass(frozen=True, slots=True)
class People:
    """Values by column: ONE-IDs, and for each field the tidied values or None, all of one length."""

    one_ids: list[str]
    values: dict[MatchField, list[str | None]]

    @property
    def fields(self) -> dict[str, MatchField]:
        """Column names to the fields that can tell people apart: with two different values at least."""
        telling = (field for field, values in self.values.items() if len(set(values) - {None}) > 1)
        return {f"field_{number}": field for number, field in enumerate(telling)}


def find_duplicates(people: People, min_probability: float) -> list[Match]:
    """Pairs that are one person with at least this probability. Takes minutes for a million people.

    Raises:
        Conflict: Splink is not installed.
        InvalidInput: fewer than two fields tell people apart.
    """
    fields = people.fields
    if len(fields) < 2:
        raise InvalidInput("fewer than two of the fields tell customers apart", field=("fields",))
    splink = import_splink()
    database: DuckDBAPI = splink.DuckDBAPI()
    columns = {UNIQUE: people.one_ids, **{name: people.values[field] for name, field in fields.items()}}
    table = database.register(columns, table_name=TABLE)
    counts = count_pairs(database, list(fields))
    rules = selective(counts, len(people.one_ids))
    if not rules:
        return []
    linker: Linker = splink.Linker(table, settings(fields, rules), log_level=None, validate_settings=False)
    learn(linker, rules, training(rules, counts, list(fields)))
    found = linker.inference.predict(threshold_match_probability=min_probability).as_record_list()
    return [match_of(row, fields) for row in found]


def import_splink() -> Any:
    try:
        import splink
    except ImportError as error:
        raise Conflict("merges are proposed with Splink: install oneid-cdp[proposals]") from error
    # It warns of what small data can't teach, and then uses its defaults, which is what is wanted.
    logging.getLogger("splink").setLevel(logging.ERROR)
    return splink


def count_pairs(database: "DuckDBAPI", columns: Sequence[str]) -> dict[Pair, int]:
    connection = database.duckdb_con
    counts = dict[Pair, int]()
    for pair in all_pairs(columns):
        (counted,) = connection.execute(count_query(TABLE, pair)).fetchall()[0]
        counts[pair] = int(counted)
    return counts


def settings(fields: Mapping[str, MatchField], rules: Sequence[Pair]) -> Any:
    from splink import SettingsCreator, block_on

    return SettingsCreator(
        link_type="dedupe_only",
        comparisons=[COMPARISONS[field.comparison](name) for name, field in fields.items()],
        blocking_rules_to_generate_predictions=[block_on(*pair) for pair in rules],
        retain_intermediate_calculation_columns=True,
    )


def by_look(column: str) -> Any:
    from splink import comparison_library

    return comparison_library.JaroWinklerAtThresholds(column, [0.92, 0.8])


def by_look_and_rarity(column: str) -> Any:
    return by_look(column).configure(term_frequency_adjustments=True)


def by_mistypings(column: str) -> Any:
    from splink import comparison_library

    return comparison_library.DamerauLevenshteinAtThresholds(column, [1, 2])


COMPARISONS: Final[Mapping[Comparison, Callable[[str], Any]]] = {
    Comparison.NAME: by_look_and_rarity,
    Comparison.TEXT: by_look,
    Comparison.CODE: by_mistypings,
}


def learn(linker: "Linker", rules: Sequence[Pair], lessons: Sequence[Pair]) -> None:
    """Learns from the data how often values agree by chance, and how often they do on one person."""
    from splink import block_on

    training = linker.training
    training.estimate_probability_two_random_records_match(
        [block_on(*pair) for pair in rules[:PRIOR_RULES]], recall=RECALL
    )
    training.estimate_u_using_random_sampling(max_pairs=SAMPLE_PAIRS, seed=SEED, num_chunks=1)
    for pair in lessons:
        training.estimate_parameters_using_expectation_maximisation(block_on(*pair))


def match_of(row: Mapping[str, Any], fields: Mapping[str, MatchField]) -> Match:
    a, b = sorted((row[f"{UNIQUE}_l"], row[f"{UNIQUE}_r"]))
    evidence = tuple(evidence_of(row, name, field) for name, field in fields.items())
    return Match(a, b, row["match_probability"], row["match_weight"], evidence)


def evidence_of(row: Mapping[str, Any], name: str, field: MatchField) -> FieldEvidence:
    weight = row[f"mw_{name}"] + row.get(f"mw_tf_adj_{name}", 0.0)
    return FieldEvidence(field.attribute, agreement(row[f"gamma_{name}"]), weight)


def agreement(level: int) -> Agreement:
    """All comparisons have four levels: exact, close, less close, different; and -1 where a value is missing."""
    if level < 0:
        return Agreement.MISSING
    return {0: Agreement.DIFFERENT, 3: Agreement.EXACT}.get(level, Agreement.CLOSE)
