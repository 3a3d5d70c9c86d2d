"""Refiners: one file each."""
