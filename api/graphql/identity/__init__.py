"""Identity rules, decisions and evidence in the schema."""
