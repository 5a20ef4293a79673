"""The demo: a simulated market, the traffic it makes, and an independent account of the truth."""
