"""What a URL of a cluster says."""

import pytest
from opensearchpy.exceptions import ConnectionError as OpenSearchConnectionError
from opensearchpy.exceptions import NotFoundError, RequestError, TransportError

from search.client import credentials, host, passing


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:9201", ("127.0.0.1", 9201, False, "")),
        ("http://search", ("search", 9200, False, "")),
        ("https://user:p%40ss@search.example.com", ("search.example.com", 443, True, "")),
        ("https://gate:8443/search/", ("gate", 8443, True, "search")),
    ],
)
def test_a_url_is_read_whole(url: str, expected: tuple[str, int, bool, str]) -> None:
    found = host(url)

    assert (found["host"], found["port"], found["use_ssl"], found["url_prefix"]) == expected


def test_user_and_password_are_percent_decoded() -> None:
    assert credentials("https://user:p%40ss@search") == ("user", "p@ss")
    assert credentials("http://search:9200") is None


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OpenSearchConnectionError("N/A", "refused", OSError()), True),
        (TransportError(429, "circuit_breaking_exception", {}), True),
        (TransportError(503, "no_shard_available_action_exception", {}), True),
        (TransportError(403, "cluster_block_exception", {}), True),
        (RequestError(400, "mapper_parsing_exception", {}), False),
        (NotFoundError(404, "index_not_found_exception", {}), False),
        (ValueError(), False),
    ],
)
def test_what_passes_by_itself_is_told_from_what_does_not(error: Exception, expected: bool) -> None:
    assert passing(error) is expected
