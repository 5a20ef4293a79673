"""The feed's way from the database to the browsers: read once, handed to all of them."""
