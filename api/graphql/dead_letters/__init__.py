"""Dead letters in the schema."""
