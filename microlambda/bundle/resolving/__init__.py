"""From requirements to installed distributions of the target, by uv or by pip."""
