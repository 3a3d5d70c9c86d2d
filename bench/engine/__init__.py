"""Recipes, fingerprints, the store, the plan and how steps run."""
