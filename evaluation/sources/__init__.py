"""Raw files to validated tables: the data contract, the readers and the checks."""
