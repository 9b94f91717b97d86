"""Reading rows: what cannot be read is told with its line, and reading goes on."""

from collections.abc import Iterable

import pytest

from oneid.domain.imports.rows import BadRow, Form, Row, form_of, read_table
from oneid.errors import InvalidInput


def rows(lines: Iterable[str], form: Form, **more: object) -> list[Row | BadRow]:
    return list(read_table(lines, form, **more).rows)  # type: ignore[arg-type]


def test_the_first_record_of_csv_names_the_columns() -> None:
    table = read_table(["id,name\n", "1,Lin\n"], Form.CSV)
    assert table.columns == ("id", "name")
    assert list(table.rows) == [Row(2, {"id": "1", "name": "Lin"})]


def test_a_file_without_header_gets_its_columns_from_the_caller() -> None:
    assert rows(["1,Lin\n"], Form.CSV, columns=["id", "name"]) == [Row(1, {"id": "1", "name": "Lin"})]


def test_a_quoted_cell_may_hold_delimiters_quotes_and_line_ends() -> None:
    lines = ["id,note\n", '1,"a, ""b""\n', 'c"\n', "2,d\n"]
    assert rows(lines, Form.CSV) == [
        Row(2, {"id": "1", "note": 'a, "b"\nc'}),
        Row(4, {"id": "2", "note": "d"}),
    ]


def test_another_delimiter_is_respected() -> None:
    assert rows(["id;name\n", "1;Lin, Yue\n"], Form.CSV, delimiter=";") == [
        Row(2, {"id": "1", "name": "Lin, Yue"})
    ]


def test_columns_may_have_spaces_between_them() -> None:
    lines = [" customer_id  date\r\n", " 00001 19970101\r\n", "\r\n", " 00002 19970112\r\n"]
    assert rows(lines, Form.SPACED) == [
        Row(2, {"customer_id": "00001", "date": "19970101"}),
        Row(4, {"customer_id": "00002", "date": "19970112"}),
    ]


def test_ndjson_keeps_types_and_reaches_into_objects() -> None:
    assert rows(['{"id": 7, "to": {"city": "上海"}}\n'], Form.NDJSON) == [
        Row(1, {"id": 7, "to": {"city": "上海"}, "to.city": "上海"})
    ]


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        ("1\n", None, "1 columns instead of 2"),
        ("1,2,3\n", None, "3 columns instead of 2"),
        ('1,"a"b\n', None, "no CSV: ',' expected after '\"'"),
        ("1,\udce9\n", "name", "bytes that are no text in this encoding: name another"),
    ],
)
def test_a_bad_record_of_csv_is_told_and_the_next_one_read(
    line: str, column: str | None, reason: str
) -> None:
    found = rows(["id,name\n", line, "2,Chen\n"], Form.CSV)
    assert found == [BadRow(2, column, reason), Row(3, {"id": "2", "name": "Chen"})]


@pytest.mark.parametrize("line", ["{", "[1]", "7", "NaN", "[" * 100_000])
def test_a_line_that_is_no_json_object_is_told(line: str) -> None:
    assert rows([line, '{"id": 1}'], Form.NDJSON) == [BadRow(1, None, "no JSON object"), Row(2, {"id": 1})]


@pytest.mark.parametrize("lines", [[], ["id,id\n"], ['"id\n']])
def test_a_file_without_a_usable_header_is_refused(lines: list[str]) -> None:
    with pytest.raises(InvalidInput):
        read_table(lines, Form.CSV)


@pytest.mark.parametrize(
    ("name", "form"),
    [("a.csv", Form.CSV), ("a.CSV.gz", Form.CSV), ("a.txt.gz", Form.SPACED), ("a.jsonl", Form.NDJSON)],
)
def test_the_name_of_a_file_says_its_form(name: str, form: Form) -> None:
    assert form_of(name) is form


def test_a_name_that_says_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"orders\.dat does not say what it is"):
        form_of("orders.dat")
