"""Real purchases: where they are, how they are imported, and what counting the files themselves gives."""

import csv
import gzip
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from tests.deployment import Deployment

DATA: Final = Path(__file__).parents[2] / "shared" / "data"


@dataclass
class Counted:
    """What is in a file: events and money by month, items, who bought how often."""

    events: int = 0
    items: Decimal = Decimal(0)
    money: Decimal = Decimal(0)
    customers: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    months: Counter[str] = field(default_factory=Counter[str])

    def add(self, who: tuple[str, str], month: str, items: str, money: Decimal) -> None:
        self.events += 1
        self.items += Decimal(items)
        self.money += money
        self.customers[who] += 1
        self.months[month] += 1


@dataclass(frozen=True)
class RealFile:
    """A file, its encoding, the arguments of `oneid import` and the name of its events."""

    name: str
    encoding: str
    event: str
    arguments: tuple[str, ...]

    def text(self) -> str:
        path = DATA / self.name
        if not path.exists():
            pytest.skip(f"the real data are not there: {path}")
        return gzip.decompress(path.read_bytes()).decode(self.encoding)

    def short(self, directory: Path, lines: int) -> Path:
        """A file of the first lines, the header among them."""
        path = directory / self.name.removesuffix(".gz")
        path.write_text("".join(self.text().splitlines(keepends=True)[:lines]), self.encoding, newline="")
        return path

    def count(self, text: str) -> Counted:
        """Counted by plain splitting, with nothing of the importer's."""
        return count_cdnow(text.splitlines()) if self is CDNOW else count_retail(text)

    def command(self, path: Path) -> tuple[str, ...]:
        mapped = ("--encoding", self.encoding, "--event", self.event, *self.arguments)
        return ("import", str(path), "--preset", "orders", *mapped)


def count_cdnow(lines: Iterable[str]) -> Counted:
    """Customer, YYYYMMDD, number of CDs, dollars."""
    found = Counted()
    for line in list(lines)[1:]:
        customer, date, items, money = line.split()
        found.add(("user_id", f"cdnow-{customer}"), f"{date[:4]}-{date[4:6]}", items, Decimal(money))
    return found


def count_retail(text: str) -> Counted:
    """Invoice lines: a return has a negative quantity, a line without a customer belongs to its invoice."""
    found = Counted()
    for line in csv.DictReader(io.StringIO(text, newline="")):
        known, invoice = line["CustomerID"], line["InvoiceNo"]
        who = ("user_id", f"or-{known}") if known else ("anonymous_id", f"invoice-{invoice}")
        day, month, year = line["InvoiceDate"].split()[0].split("/")
        assert 1 <= int(day) <= 31
        money = Decimal(line["Quantity"]) * Decimal(line["UnitPrice"])
        found.add(who, f"{year}-{month}", line["Quantity"], money)
    return found


def _map(*mappings: str) -> tuple[str, ...]:
    return tuple(part for mapping in mappings for part in ("--map", mapping))


CDNOW: Final = RealFile(
    "cdnow-master.txt.gz",
    "ascii",
    "Order Completed",
    (
        *_map("customer_id=user_id", "date=timestamp", "number_of_cds=quantity", "dollar_value=revenue"),
        *("--user-prefix", "cdnow-"),
    ),
)
ONLINE_RETAIL: Final = RealFile(
    "online-retail-2010-12.csv.gz",
    "latin-1",
    "Invoice Line",
    (
        *_map("InvoiceNo=order_id", "InvoiceNo=guest_id", "CustomerID=user_id", "InvoiceDate=timestamp"),
        *_map("StockCode=sku", "Description=product", "Quantity=quantity", "UnitPrice=price"),
        *_map("Country=country"),
        *("--date-format", "d/m/Y H:M", "--user-prefix", "or-", "--guest-prefix", "invoice-"),
    ),
)
FILES: Final = (CDNOW, ONLINE_RETAIL)


def assert_read_back(running: Deployment, file: RealFile, counted: Counted) -> None:
    """Events, customers, items and money over GraphQL are those of the file, in all and by month; each of
    the ten who bought most often, and one who bought least, has all of their events."""
    (money,) = running.totals(file.event, sum="revenue")
    (items,) = running.totals(file.event, sum="quantity")
    assert (money["events"], money["customers"]) == (counted.events, len(counted.customers))
    assert (Decimal(money["sum"]), Decimal(items["sum"])) == (counted.money, counted.items)
    months = {total["key"]: total["events"] for total in running.totals(file.event, groupBy="MONTH")}
    assert months == counted.months
    by_events = counted.customers.most_common()
    for (kind, value), events in [*by_events[:10], by_events[-1]]:
        found = running.customer(kind, value)
        assert found is not None
        assert found["events"]["totalCount"] == events
        assert found["identifiers"] == [{"type": kind, "value": value}]
