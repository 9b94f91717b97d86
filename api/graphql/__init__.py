"""The admin and partner schema at /graphql, split by noun."""
