"""Container images: the way on for an app that does not fit into archives, or has no wheels to be had."""
