"""The vocabulary of the harness: types and contracts. Imports no torch and does no work."""
