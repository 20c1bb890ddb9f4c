"""The whitepaper, one chapter per file, low to high.

environment, clock, sortition, ledger, stake, earnings, transcoders, validators, bonding, inflation, rewards, rounds,
deposits, jobs, claims, verification, fee_distribution. A chapter uses only those before it.
"""
