"""The channels: each takes a message to a receiver and says how that went."""
