"""Metrics: one file each, from predictions to one value per image."""
