"""What a bundle is made of, for people to read: in the terminal, and as a page."""
