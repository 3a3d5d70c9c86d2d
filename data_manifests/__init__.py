"""Data set manifests: one TOML file each."""
