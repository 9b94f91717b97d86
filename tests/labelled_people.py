"""FEBRL's people, whose duplicates are labelled: the records as messages, and how good a partition of them is."""

import gzip
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest

from tests.real_data import DATA

FEBRL_3: Final = ("febrl-dataset3.csv.gz",)
FEBRL_4: Final = ("febrl-dataset4a.csv.gz", "febrl-dataset4b.csv.gz")


@dataclass(frozen=True)
class Record:
    """One line: `id` is rec-N-org or rec-N-dup-K, and N the person."""

    id: str
    values: Mapping[str, str]

    @property
    def person(self) -> str:
        return self.id.split("-")[1]

    @property
    def traits(self) -> dict[str, Any]:
        """Under the names that tracking clients know; the street with its number."""
        value = self.values.get
        street = " ".join(part for part in (value("street_number"), value("address_1")) if part)
        address = {
            "street": street,
            "city": value("suburb"),
            "postalCode": value("postcode"),
            "state": value("state"),
        }
        return {
            "firstName": value("given_name"),
            "lastName": value("surname"),
            "birthday": value("date_of_birth"),
            "address": {name: text for name, text in address.items() if text},
        }

    def message(self, *identifiers: str) -> dict[str, Any]:
        """An identify call that names the record, and these columns of it as identifiers."""
        external = [{"type": "record", "id": self.id}]
        external += [{"type": name, "id": self.values[name]} for name in identifiers if name in self.values]
        traits = {key: value for key, value in self.traits.items() if value}
        return {
            "type": "identify",
            "messageId": self.id,
            "traits": traits,
            "context": {"externalIds": external},
        }


def records(names: Iterable[str], people: int | None = None) -> list[Record]:
    """The files' records in order; with `people` those of so many persons, the first in the files."""
    found = [record for name in names for record in _read(name)]
    chosen = set(list(dict.fromkeys(record.person for record in found))[:people])
    return [record for record in found if record.person in chosen]


def _read(name: str) -> Iterable[Record]:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the real data are not there: {path}")
    header, *lines = gzip.decompress(path.read_bytes()).decode("ascii").splitlines()
    columns = [column.strip() for column in header.split(",")]
    for line in filter(str.strip, lines):
        cells = dict(zip(columns, (cell.strip() for cell in line.split(",")), strict=True))
        yield Record(cells.pop("rec_id"), {column: cell for column, cell in cells.items() if cell})


@dataclass(frozen=True)
class Quality:
    """Of the pairs of records that were joined, the share that is right; of those to be joined, the share
    that was; and the harmonic mean of both."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / (self.precision + self.recall)


def quality(found: Iterable[Record], customer_of: Mapping[str, str]) -> Quality:
    """Compares a partition (record id to customer) with the labels, pair by pair."""
    people, customers, both = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
    for record in found:
        customer = customer_of[record.id]
        people[record.person] += 1
        customers[customer] += 1
        both[record.person, customer] += 1
    right = pairs(both.values())
    joined = pairs(customers.values())
    return Quality(right / joined if joined else 1.0, right / pairs(people.values()))


def pairs(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)
