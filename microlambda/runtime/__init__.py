"""What ships to AWS Lambda: the standard library alone, and little of it at import."""
