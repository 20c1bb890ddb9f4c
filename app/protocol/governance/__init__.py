"""Governance (whitepaper, *Governance*; protocol.md, section 11): proposals, votes, and what an adopted one does.

Stake votes as it was when the proposal's round began: the stakes that were elected with, before anybody could know of
the proposal. So nobody gains a vote by bonding when it sees one, nor a second one by moving stake, and nobody loses its
vote by moving. In the order of reading: `electorate` (whose stake counts), `proposals` (what can be proposed), `voting`
(votes and their tally), `actions` (what is done at the end).
"""
