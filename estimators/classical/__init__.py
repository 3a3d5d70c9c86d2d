"""What estimators without a network share: checks of their images, state in arrays, and HOG features."""
