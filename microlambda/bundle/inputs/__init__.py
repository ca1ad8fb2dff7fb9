"""What a project depends on: lock files, requirement files, pyproject.toml, read into one form."""
