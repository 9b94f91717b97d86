"""`python -m api.graphql > api/schema.graphql`: prints the schema that the code makes."""

import sys

from api.graphql.schema import create_schema

sys.stdout.write(create_schema(suggestions=False).as_str() + "\n")
