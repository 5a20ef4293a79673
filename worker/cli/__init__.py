"""The `buybox` command."""
