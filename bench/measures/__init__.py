"""Measures: one file each, from image sets to drift, realism or the amount of change."""
