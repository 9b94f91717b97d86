"""`oneid import`: a file of orders or people, sent through Segment's tracking client."""

from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from oneid.cli.import_file import ErrorFile, OpenFile, opened
from oneid.cli.import_run import ImportRun
from oneid.cli.output import errors_as_sentences, out
from oneid.cli.tracking_client import NotSent, TrackingClient, raise_unless_plain
from oneid.clock import monotonic
from oneid.domain.customers import party_named
from oneid.domain.imports.mapping import check_columns, parse_assignments, same_names
from oneid.domain.imports.presets import Plan, Preset
from oneid.domain.imports.rows import Form, Table, form_of, read_table
from oneid.domain.imports.values import Times, time_form
from oneid.embedded import state
from oneid.errors import InvalidInput, Required
from oneid.settings import Settings


def import_file(
    file: Annotated[Path, typer.Argument(help="CSV, columns with spaces between them, or NDJSON; gzip too")],
    preset: Annotated[Preset, typer.Option(help="what the rows are")],
    map: Annotated[
        list[str] | None, typer.Option(help="column=field or column=field:number, once for each field")
    ] = None,
    columns: Annotated[str, typer.Option(help="names, with commas, for a file without a header")] = "",
    form: Annotated[Form | None, typer.Option(help="if the file's name does not say it")] = None,
    delimiter: Annotated[str, typer.Option(help="between the columns of CSV; \\t is a tab")] = "",
    encoding: Annotated[str, typer.Option(help="of the text, such as latin-1 or gb18030")] = "utf-8-sig",
    date_format: Annotated[
        str, typer.Option(help="such as d/m/Y H:M or YYYYMMDD; ISO 8601 if left out")
    ] = "",
    timezone: Annotated[str, typer.Option(help="of times without one; ONEID_TIMEZONE if left out")] = "",
    user_prefix: Annotated[str, typer.Option(help="put before each user_id")] = "",
    guest_prefix: Annotated[str, typer.Option(help="put before each guest_id")] = "",
    event: Annotated[str, typer.Option(help="what an order's event is called")] = "Order Completed",
    party: Annotated[str, typer.Option(help="who collected it: FIRST (the brand), SECOND or THIRD")] = "",
    source: Annotated[str, typer.Option(help="the server, if not the one that `oneid up` runs")] = "",
    write_key: Annotated[str, typer.Option(help="the sandbox's, if left out")] = "",
    errors: Annotated[
        Path | None, typer.Option(help="where rows that fail are told; FILE.errors.ndjson here, if left out")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, max=16, help="more than 1 gives up the file's order")] = 1,
) -> None:
    """Send a file's rows as events. Sending it again is harmless: each line counts once.

    Orders become `Order Completed`, people become identify calls. Fields of both: user_id, anonymous_id,
    guest_id (only where nothing else names the person), email, phone, timestamp, id.TYPE such as
    id.member_card. Of orders also: order_id, revenue, total, quantity, price, currency, sku, product_id,
    product. Any other field becomes a property or a trait of that name.
    """
    with errors_as_sentences():
        settings = Settings()
        times = Times(_zone(timezone or settings.timezone), time_form(date_format) if date_format else None)
        prefixes = {"user_id": user_prefix, "guest_id": guest_prefix}
        client = TrackingClient(*address(settings, source, write_key))
        with opened(file, encoding) as content, closing(_error_file(errors, file)) as failed:
            table = read_table(
                content.lines, form or form_of(file.name), _names(columns), _delimiter(delimiter, file)
            )
            more: dict[str, Any] = {"event": event, "prefixes": prefixes, "party": party}
            plan = plan_of(file.name, preset, map or [], table, times, **more)
            _run(plan, table, client, content, failed, threads)
    if failed.count:
        raise typer.Exit(1)


def plan_of(file: str, preset: Preset, given: list[str], table: Table, times: Times, **more: Any) -> Plan:
    """How this table's rows become calls; without mappings columns are fields of their own name."""
    if more.get("party"):
        party_named(more["party"], ("party",))
    assignments = parse_assignments(given, preset.fields) or same_names(table.columns, preset.fields)
    if not assignments:
        raise Required("no column is mapped: say --map column=field", field=("map",))
    check_columns(assignments, table.columns)
    return Plan(file, preset, assignments, times, **more)


def address(settings: Settings, source: str, write_key: str) -> tuple[str, str]:
    """Server and write key: those given, else those of the running `oneid up`. Raises Required."""
    known = state.load(settings.data_dir)
    configured = settings.write_key.get_secret_value() if settings.write_key else ""
    url, key = source or known.urls.get("api", ""), write_key or configured or known.keys.get("write", "")
    if not url or not key:
        raise Required("no server: start one with `oneid up`, or name it with --source and --write-key")
    return raise_unless_plain(url), key


def _run(
    plan: Plan, table: Table, client: TrackingClient, content: OpenFile, failed: ErrorFile, threads: int
) -> None:
    started = monotonic()
    with _progress(content) as progress:
        run = ImportRun(plan, client, failed, progress)
        try:
            run.run(table.rows, threads)
        except NotSent:
            out.print(f"stopped after {run.accepted:,} rows; run it again: no row counts twice")
            raise
    seconds = max(monotonic() - started, 0.001)
    out.print(f"{run.accepted:,} rows accepted in {seconds:.1f} s ({run.accepted / seconds:,.0f} a second)")
    if failed.count:
        out.print(f"{failed.count:,} rows failed: see {failed.path}")


@contextmanager
def _progress(content: OpenFile) -> Generator[Callable[[int], None]]:
    shown = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rows]:,} rows"), TimeElapsedColumn())
    with Progress(*shown, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=content.size, rows=0)

        def show(rows: int) -> None:
            bar.update(task, completed=content.position(), rows=rows)

        yield show


def _error_file(given: Path | None, file: Path) -> ErrorFile:
    return ErrorFile(given or Path(f"{file.name}.errors.ndjson"))


def _names(columns: str) -> list[str]:
    return [name.strip() for name in columns.split(",") if name.strip()]


def _delimiter(given: str, file: Path) -> str:
    delimiter = given.replace("\\t", "\t") or ("\t" if ".tsv" in file.suffixes else ",")
    if len(delimiter) != 1:
        raise InvalidInput(f"{given!r} is no delimiter: it has to be one character", field=("delimiter",))
    return delimiter


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise InvalidInput(f"{name!r} is no time zone such as Asia/Shanghai", field=("timezone",)) from None
