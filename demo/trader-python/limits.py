"""The desk's limits, in dollars. The risk officer sets them; the agent trades within them."""

DAILY_LOSS_CAP = -5
LOSS_PER_ORDER = 1.5
