"""The training loop that network estimators share."""
