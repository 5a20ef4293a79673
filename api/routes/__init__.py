"""The endpoints, a file for each thing they speak of."""
