"""Tags: a tree of names that customers have, by hand, by rule, by a model or by an expression."""
