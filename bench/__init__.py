"""simgan-bench: does a refiner help, does it keep the labels, and is it better than last week's?"""

__version__ = "0.1.0"
