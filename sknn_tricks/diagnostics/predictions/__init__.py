"""What an estimator predicts for rows that it has not seen, and how right that is."""
