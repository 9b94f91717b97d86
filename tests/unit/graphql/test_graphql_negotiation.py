"""Which media type an answer has."""

import pytest

from api.graphql.negotiation import EVENT_STREAM, GRAPHQL_JSON, JSON, negotiate


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("application/json; charset=utf-8", JSON),
        ("application/graphql-response+json", GRAPHQL_JSON),
        ("APPLICATION/GraphQL-Response+JSON", GRAPHQL_JSON),
        ("application/graphql-response+json, application/json;q=0.9", GRAPHQL_JSON),
        ("application/graphql-response+json;q=0.5, application/json", JSON),
        ("application/json, application/graphql-response+json", GRAPHQL_JSON),
        ("text/event-stream", EVENT_STREAM),
        ("text/html, */*;q=0.1", JSON),
        ("image/png", None),
        ("text/*", None),
        ("application/json;q=0", None),
        ("application/json;q=0, */*", None),
        ("application/json;q=x", None),
        ("*/*;q=0", None),
        (",,", None),
    ],
)
def test_the_best_that_the_client_accepts_is_taken(accept: str | None, media: str | None) -> None:
    assert negotiate(accept) == media
