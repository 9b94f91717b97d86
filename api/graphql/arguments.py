"""The one argument of every mutation."""

from typing import Annotated, TypeAlias, TypeVar

import strawberry

T = TypeVar("T")

InputOf: TypeAlias = Annotated[T, strawberry.argument(description="What to do.")]
