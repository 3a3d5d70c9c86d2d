"""Readers of real formats, and of the simulator: one file each."""
