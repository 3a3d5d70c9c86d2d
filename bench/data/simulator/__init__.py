"""The built-in simulator: eyes and hands with exact labels, no data set and no GPU needed."""
