"""Networks, losses, history buffer and training that refiners share."""
