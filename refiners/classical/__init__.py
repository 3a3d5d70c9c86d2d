"""What baseline refiners without a network share."""
