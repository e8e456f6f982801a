"""Territory: town, villages and grids, their boundaries, coordinate systems and the work calendar."""
