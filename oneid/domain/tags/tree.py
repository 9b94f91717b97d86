"""The tree of tags."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from oneid.domain.tags.scorers import Scorer
from oneid.errors import Conflict, Cycle, InvalidInput, NotFound, TooLarge

MAX_DEPTH: Final = 8
MAX_NAME: Final = 100
MAX_TAGS: Final = 5_000


class TagMethod(StrEnum):
    """How a tag comes to customers besides by hand. MANUAL: only by hand, by file or by a journey. RULE: whoever a
    segment rule is true for. MODEL, EXPRESSION: computed from the customer's record."""

    MANUAL = "MANUAL"
    RULE = "RULE"
    MODEL = "MODEL"
    EXPRESSION = "EXPRESSION"


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag. `number` stands for it in the index and is never used again; `path`: the names from the root, with
    slashes between; `rule`: as it was written; `scorer`: what computes it; `version`: of these two, changed last at
    `changed_at`, None: never. Times are RFC 3339."""

    id: str
    number: int
    path: str
    method: TagMethod
    created_at: str
    rule: Mapping[str, Any] | None = None
    scorer: Scorer | None = None
    version: int = 1
    changed_at: str | None = None

    def redefined(self, rule: Mapping[str, Any] | None, scorer: Scorer | None, at: str) -> "Tag":
        """The next version of it."""
        return replace(self, rule=rule, scorer=scorer, version=self.version + 1, changed_at=at)

    @property
    def source(self) -> str:
        """What gives it by itself, as assignments name it."""
        return f"{self.method.lower()}@{self.version}"

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def parent_path(self) -> str:
        """The path of the tag above, empty at the top."""
        return self.path.rpartition("/")[0]


@dataclass(frozen=True)
class TagTree:
    """All tags at one version."""

    version: int = 0
    tags: tuple[Tag, ...] = ()

    @cached_property
    def by_id(self) -> Mapping[str, Tag]:
        return {tag.id: tag for tag in self.tags}

    @cached_property
    def by_path(self) -> Mapping[str, Tag]:
        return {tag.path: tag for tag in self.tags}

    def find(self, name: str) -> Tag | None:
        """A tag by id or path."""
        return self.by_id.get(name) or self.by_path.get(name)

    def get(self, name: str, field: Sequence[str] = ("tag",)) -> Tag:
        """A tag by id or path. Raises NotFound."""
        tag = self.find(name)
        if tag is None:
            raise NotFound(f"there is no tag {name}", field=tuple(field))
        return tag

    def changed(self, saved: Iterable[Tag], gone: Collection[str] = ()) -> "TagTree":
        """The tree with other tags in place of those of their ids, and without some."""
        tags = {**self.by_id, **{tag.id: tag for tag in saved}}
        return TagTree(self.version, tuple(tag for id_, tag in tags.items() if id_ not in gone))

    def below(self, tag: Tag) -> list[Tag]:
        """A tag and all below it, in order of their paths."""
        inside = f"{tag.path}/"
        return [one for one in self.ordered if one is tag or one.path.startswith(inside)]

    def children(self, path: str) -> list[Tag]:
        """The tags directly below a path, the empty one being the top."""
        return [tag for tag in self.ordered if tag.parent_path == path]

    @cached_property
    def ordered(self) -> Sequence[Tag]:
        return sorted(self.tags, key=lambda tag: tag.path.split("/"))

    def place(self, name: str, parent: Tag | None) -> str:
        """The path of a new tag. Raises InvalidInput, TooLarge, Conflict."""
        if not 0 < len(name.strip()) <= MAX_NAME or "/" in name:
            raise InvalidInput(f"a name has 1 to {MAX_NAME} characters and no slash", field=("name",))
        path = f"{parent.path}/{name}" if parent else name
        check_depth(path, "parent")
        if path in self.by_path:
            raise Conflict(f"there is a tag {path} already", field=("name",))
        if len(self.tags) >= MAX_TAGS:
            raise TooLarge(f"there are at most {MAX_TAGS} tags", field=("name",))
        return path

    def moved(self, tag: Tag, parent: Tag | None) -> list[Tag]:
        """A tag and all below it with the paths that they have below another one. Raises Conflict where that is
        the tag itself or below it (Cycle), or has one of this name; TooLarge where it gets too deep."""
        inside = self.below(tag)
        if parent in inside:
            raise Cycle("a tag can't be moved below itself", field=("parent",))
        base = f"{parent.path}/{tag.name}" if parent else tag.name
        if base != tag.path and base in self.by_path:
            raise Conflict(f"there is a tag {base} already", field=("parent",))
        found = [replace(one, path=base + one.path[len(tag.path) :]) for one in inside]
        for one in found:
            check_depth(one.path, "parent")
        return found


def check_depth(path: str, field: str) -> None:
    if path.count("/") >= MAX_DEPTH:
        raise TooLarge(f"the tree has at most {MAX_DEPTH} levels", field=(field,))
