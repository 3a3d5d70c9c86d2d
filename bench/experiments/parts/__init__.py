"""Columns, rows and sizes that several experiments share."""
