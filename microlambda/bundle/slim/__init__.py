"""What is installed, cut down to what a function needs, and checked for the target."""
