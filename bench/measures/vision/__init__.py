"""What several measures share: grey levels, pairs, gauges, displacements, the iris finder."""
