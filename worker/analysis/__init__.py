"""What a message means for a product: pure rules, and the task that stores their verdict."""
