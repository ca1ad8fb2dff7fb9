"""HTTP as views see it: Request, Response and what they are made of."""
