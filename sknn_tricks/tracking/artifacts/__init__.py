"""What a run has besides numbers: its model, its provenance, its findings."""
