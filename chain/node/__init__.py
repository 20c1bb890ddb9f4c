"""One node: the application and CometBFT as a supervised pair of processes."""
