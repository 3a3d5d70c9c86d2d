"""Experiments: one file each, declared."""
