"""The project's own files: which of them ship, and what they import."""
