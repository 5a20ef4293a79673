"""Throughput and latency, ours and our peers', measured side by side: `make bench`."""
