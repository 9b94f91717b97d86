"""GraphiQL for sandboxes, with example operations in its tabs."""

from functools import cache
from importlib.resources import files

import orjson

from api.graphql.examples import EXAMPLES


@cache
def page() -> str:
    """The HTML page. It holds no key: the browser takes it from the address's fragment, `/graphql#key=sk_...`."""
    tabs = [
        {
            "query": example.query,
            "variables": orjson.dumps(example.variables, option=orjson.OPT_INDENT_2).decode(),
        }
        for example in EXAMPLES
    ]
    # Within a script element only "</" could end the script.
    content = orjson.dumps(tabs).decode().replace("</", "<\\/")
    return files("api.graphql").joinpath("graphiql.html").read_text("utf-8").replace("__EXAMPLES__", content)
