"""The scenario that is played when none is given; it also shows what a scenario file looks like."""

DEFAULT_SCENARIO = """\
# Who takes part in the simulated economy. Amounts have units (LPT; ETH, gwei or wei), shares are percentages.
name = "default"
idle = "4000000LPT"            # held by people who never bond
wei_per_lpt = "0.001ETH"       # the price of an LPT; only for sums of LPT and ETH, the protocol knows none
streams = 31                   # jobs at a time, each with its broadcaster
segments = 100                 # in one claim of a stream
work_every = 7                 # rounds from one claim of a stream to the next
price_per_segment = "100gwei"  # per unit of work

[[transcoders]]
name = "honest"
count = 16
stake = "20000LPT"             # own stake of each
block_reward_cut = "10%"       # of rewards, kept for itself
fee_share = "50%"              # of fees, for those bonded to it
slots = 1                      # jobs at a time

[[transcoders]]
name = "cheap"                 # lives on less, to be chosen by those who follow the yield
count = 4
stake = "20000LPT"
block_reward_cut = "2%"

[[transcoders]]
name = "lazy"
count = 2
stake = "20000LPT"
misses = "60%"                 # of the rounds in which it does not call Reward

[[transcoders]]
name = "cheating"
count = 2
stake = "20000LPT"
fakes = "20%"                  # of the segments that it claims without work

[[transcoders]]
name = "grinding"              # cheats, and tries hashes of the block that chooses its challenges
count = 1
stake = "20000LPT"
fakes = "20%"
tries = 1000

[[transcoders]]
name = "splitting"             # divides what one honest transcoder has over several candidates
count = 1
stake = "20000LPT"
parts = 4

[[transcoders]]
name = "resigning"
count = 2
stake = "20000LPT"
resigns_round = 500            # 0 or nothing for never

[[delegators]]
name = "following"             # the yield: to whoever paid most, out when it pays too little
count = 300
wealth = "500000LPT"           # of the richest; the next has a half, then a third and so on
bonded = "50%"                 # of them, at genesis
review_rounds = 30             # how often each looks
least_yield = "5%"             # of a year: each wants something between the two, or takes its stake out
most_yield = "40%"

[[delegators]]
name = "loyal"                 # stay while their transcoder is active, whatever it pays
count = 100
wealth = "300000LPT"
follows_yield = false
"""
