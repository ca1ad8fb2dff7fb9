"""What the decorators of event handlers declare, one file a source: checked at import, met by events."""
