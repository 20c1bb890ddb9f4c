"""Verification: judging the segments that were challenged (whitepaper, *Verification of Work*).

The whitepaper hands each challenged segment to Truebit, where solvers and verifiers play down to one step that a
contract can judge. Here the smallest step, one rendition of one segment, costs about a second, so the game has no
rounds to play (media.md, section 3): a committee of bonded verifiers re-executes the segment, commits to what it got,
then reveals. Agreement of all with the receipt verifies; anything else is a dispute for the court of validators. A
committee never slashes a transcoder by itself.

- registry: who can be drawn, and what drawn verifiers earn and lose
- verdicts: reveal, judgement, disputes
- committee: draw, commit
- receipts: `Verify`, and what happens without it
- court: what validators attest of disputes, and what they decide
- challenges: `Challenge`, by which anybody sends a segment to the court
- reports: slashing for what anybody can show, a missed verification and two receipts of one segment

The work of a block is bounded by the transactions of earlier ones: each `Verify` draws one committee in the next block,
each challenge falls due once per step.
"""
