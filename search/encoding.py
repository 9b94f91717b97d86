"""JSON as OpenSearch takes it: fast where it can be, safe where a number is too big for it."""

import json
import math
from typing import Any

import orjson

LONG_MAX = 2**63 - 1


def dumps(data: Any, *, sort_keys: bool = False) -> bytes:
    """UTF-8 JSON. Integers beyond 64 bits become what every reader can read: a double, or text beyond that."""
    try:
        return orjson.dumps(data, option=orjson.OPT_SORT_KEYS if sort_keys else None)
    except TypeError:
        readable = _readable(data)
        return json.dumps(readable, ensure_ascii=False, allow_nan=False, sort_keys=sort_keys).encode()


def _readable(data: Any) -> Any:
    if isinstance(data, dict):
        return {str(key): _readable(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_readable(value) for value in data]
    if isinstance(data, float) and not math.isfinite(data):
        return None
    if isinstance(data, int) and not -LONG_MAX <= data <= LONG_MAX:
        return _double(data)
    return data


def _double(number: int) -> float | str:
    try:
        return float(number)
    except OverflowError:
        return f"{number:#x}"
