"""What several measures share: grey levels, pairs, displacements, gauges, the iris finder, Inception."""
