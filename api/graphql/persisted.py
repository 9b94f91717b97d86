"""Automatic persisted documents: a client sends the hash of a text alone, and the text where it is not known."""

from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from api.graphql.documents import CACHED_DOCUMENTS, CACHED_LENGTH
from api.graphql.errors import PersistedQueryNotFound
from oneid.errors import InvalidInput

HASH: Final = ("extensions", "persistedQuery", "sha256Hash")


class PersistedTexts:
    """The texts that this process was sent with their hash lately, as many as it keeps prepared."""

    def __init__(self) -> None:
        self._texts = OrderedDict[str, str]()

    def text(self, query: str | None, extensions: Mapping[str, Any] | None) -> str | None:
        """The text that is to run; None where neither it nor a hash was sent. Raises PersistedQueryNotFound, and
        InvalidInput for a hash of another text."""
        named = hash_of(extensions)
        if named is None:
            return query
        if query is None:
            return self._known(named)
        if sha256(query.encode()).hexdigest() != named:
            raise InvalidInput("provided sha does not match query", field=HASH)
        self._keep(named, query)
        return query

    def _known(self, named: str) -> str:
        if named not in self._texts:
            raise PersistedQueryNotFound("PersistedQueryNotFound")
        self._texts.move_to_end(named)
        return self._texts[named]

    def _keep(self, named: str, query: str) -> None:
        if len(query) > CACHED_LENGTH:
            return
        self._texts[named] = query
        self._texts.move_to_end(named)
        if len(self._texts) > CACHED_DOCUMENTS:
            self._texts.popitem(last=False)


def hash_of(extensions: object) -> str | None:
    """What `persistedQuery` names, in lower case; None where it names nothing."""
    match extensions:
        case {"persistedQuery": {"sha256Hash": str(named)}}:
            return named.lower()
        case _:
            return None
