"""What every process needs before it does anything: its settings and its log."""
