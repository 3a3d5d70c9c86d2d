"""What every training loop shares: resident images, precision, checkpoints. The only room below refiners with torch."""
