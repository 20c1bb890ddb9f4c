"""The staking economy a second time: slow, in exact fractions, with a loop over delegators wherever one helps to read.

It is written from protocol.md (sections 1, 4, 5, 6, 9 and 12) and from the README's *Decisions*, by somebody who keeps
books and not by somebody who saves steps: no shares, no factors, no eras, no batches that stand for many locks. Each
account simply has what it has, as a `fractions.Fraction`. What the chain computes is held against it, step by step
(`tests/properties/test_against_model.py`).

Where whole units are paid out, protocol.md names the rounding, and so does the function here that does it:

- a share of the mintable, a cut, a fee's delegators' part, a slash and a finder's fee are rounded down;
- what leaves a bond or a lock is rounded down, and what is left over belongs to those who stay.

`world` has the records, `seats` who has a place, `stakes` bonds, locks and slashes, `rounds` what happens by itself,
`messages` what people do.
"""
