"""Index migrations: each module has `upgrade` (idempotent) and `check` (what is missing or different)."""
