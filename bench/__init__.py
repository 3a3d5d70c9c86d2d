"""simgan-bench measures whether a refiner helps, keeps the labels, and is better than last week's."""

__version__ = "0.1.0"
