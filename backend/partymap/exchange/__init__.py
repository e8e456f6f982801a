"""Service points in files: out of the house and back in."""
