"""What a refiner must keep, checked on small images of the simulator: `bench check`. Needs no test framework."""
