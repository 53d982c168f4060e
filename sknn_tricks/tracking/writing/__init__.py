"""From messages to runs: what MLflow is given while a fit goes on."""
