"""`python -m api.graphql > api/schema.graphql`: prints the schema that the code makes."""

import sys

from api.graphql.schema import create_schema

sys.stdout.write(create_schema().as_str() + "\n")
