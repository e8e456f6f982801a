"""Cases of other systems."""
