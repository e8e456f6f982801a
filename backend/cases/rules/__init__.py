"""What a town sets for its cases: categories, routing, standard answers, tags."""
