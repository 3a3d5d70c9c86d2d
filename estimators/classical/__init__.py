"""What estimators without a network share: checks of their images, state in arrays, HOG features, neighbours."""
