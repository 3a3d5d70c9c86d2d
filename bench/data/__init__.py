"""Image sets: manifests, readers, storage, and the built-in simulator."""
