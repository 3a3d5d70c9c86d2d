"""A file per command, which parses, calls and prints; `bench.cli` puts them together."""
