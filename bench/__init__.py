"""What the product costs, measured against a bare route on the same machine in the same minute."""
