"""What a finished search says: who won, how sure that is, and what mattered."""
