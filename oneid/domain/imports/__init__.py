"""From the rows of a file to calls of a tracking client: reading, values, mapping, presets. No I/O."""
