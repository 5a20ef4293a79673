"""A market as one message shows it, and what its prices are worth: values and sums only."""
