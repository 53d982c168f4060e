"""Where runs are kept, how to open it, and what to type to look at it."""
