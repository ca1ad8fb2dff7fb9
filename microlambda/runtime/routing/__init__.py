"""Rules, converters and the one table that matches them."""
