"""From the hooks of a fit, in any process, to plain messages on one thread."""
