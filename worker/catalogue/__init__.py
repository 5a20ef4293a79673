"""What people tell us in files: costs of products, fee schedules. Reading, checking, importing."""
