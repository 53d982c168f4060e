"""What spoils scores before anything is trained: classes, duplicates, overlap, coverage."""
