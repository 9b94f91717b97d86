"""No file over 400 lines, no function over 40: run by `make lint`.

A function's signature counts, its decorators and its docstring do not.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("oneid", "api", "graph", "search", "workers", "migrations", "tests", "scripts")
FILE_LINES = 400
FUNCTION_LINES = 40


def main() -> int:
    paths = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    faults = [
        fault for path in paths for fault in faults_of(str(path.relative_to(ROOT)), path.read_text("utf-8"))
    ]
    sys.stdout.writelines(f"{fault}\n" for fault in faults)
    return 1 if faults else 0


def faults_of(name: str, source: str) -> Iterator[str]:
    """What is too long in a file, as `file:line: sentence`."""
    lines = len(source.splitlines())
    if lines > FILE_LINES:
        yield f"{name}:1: the file has {lines} lines, more than {FILE_LINES}"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = length(node)
            if lines > FUNCTION_LINES:
                yield f"{name}:{node.lineno}: {node.name} has {lines} lines, more than {FUNCTION_LINES}"


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a function without decorators and docstring."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None and len(function.body) > 1:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


if __name__ == "__main__":
    sys.exit(main())
