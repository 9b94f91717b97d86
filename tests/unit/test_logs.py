"""What a line of the log says of a fault: enough to find it, nothing of anybody."""

import json
import subprocess
import sys
import textwrap
from typing import Any

import pytest

from oneid.errors import InvalidInput
from oneid.logs import place
from search.bulk import field_of

SECRET = "13800138000"


def logged(script: str) -> list[dict[str, Any]]:
    """The lines that a process writes to its log."""
    code = "import logging, structlog\nfrom oneid.logs import configure\nconfigure()\n" + textwrap.dedent(
        script
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_of_an_exception_its_class_its_code_and_its_place_are_logged_but_not_its_text() -> None:
    (line,) = logged(
        f"""
        from neo4j.exceptions import Neo4jError
        try:
            try:
                raise Neo4jError._basic_hydrate(
                    neo4j_code="Neo.ClientError.Schema.ConstraintValidationFailed", message="key = 'phone:{SECRET}'"
                )
            except Neo4jError as error:
                raise ValueError("{SECRET}") from error
        except ValueError:
            structlog.get_logger("oneid.test").exception("message set apart", message_id="m1")
        """
    )
    assert SECRET not in json.dumps(line)
    assert (line["event"], line["message_id"], line["level"]) == ("message set apart", "m1", "error")
    described = line["exception"].splitlines()
    assert described[0] == "ValueError"
    assert described[1].startswith("  <string>:")
    assert described[2] == "from"
    assert described[3] == "ConstraintError Neo.ClientError.Schema.ConstraintValidationFailed"


@pytest.mark.parametrize("given", ["exc_info=True", "exc_info=error"])
def test_lines_of_other_libraries_are_no_different(given: str) -> None:
    (line,) = logged(
        f"""
        try:
            raise ExceptionGroup("{SECRET}", [OSError(28, "{SECRET}"), KeyError("{SECRET}")])
        except ExceptionGroup as error:
            logging.getLogger("other").warning("it failed", {given})
        """
    )
    assert SECRET not in json.dumps(line)
    names = [line for line in line["exception"].splitlines() if not line.startswith("  ")]
    assert names == ["ExceptionGroup", "OSError 28", "KeyError"]


def test_a_process_that_ends_by_a_fault_says_so_in_a_line_like_any_other() -> None:
    (line,) = logged(f"raise RuntimeError('{SECRET}')")
    assert (line["event"], line["level"]) == ("the process ends", "critical")
    assert line["exception"].splitlines()[0] == "RuntimeError"
    assert SECRET not in json.dumps(line)


def test_a_refusal_of_the_index_is_logged_by_the_fields_that_it_names() -> None:
    reason = (
        f"failed to parse field [attributes.born] of type [date] in document with id 'c1'. Preview of field's value: "
        f"'{SECRET}': failed to parse date field [{SECRET}] with format [strict_date]"
    )
    assert field_of(reason) == "attributes.born"
    assert field_of(f"failed to parse date field [{SECRET}]") == ""
    assert field_of('immense term in field="name" (whose prefix is [49, 51])') == "name"


def test_a_business_error_is_logged_by_its_code_and_field() -> None:
    assert place(InvalidInput(f"{SECRET} is no date", field=("rule", "value"))) == "INVALID rule.value"
    assert place(InvalidInput(SECRET)) == "INVALID"
