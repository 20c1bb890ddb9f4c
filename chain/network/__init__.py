"""A network over several machines or containers: one folder per participant, one genesis document for all."""
