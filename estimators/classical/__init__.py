"""What the classical estimators of Table 3 share: checks of their input, and HOG features."""
