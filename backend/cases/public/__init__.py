"""What everybody may read of cases."""
