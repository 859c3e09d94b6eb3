"""Buy the dip: buy below the mean of the last three prices, take a small profit, stop at the loss an order may make."""

# All amounts are whole cents, so that two runs, and the twin in JavaScript, agree to the last digit.
TAKE_PROFIT = 80
LOOK_BACK = 3


def wants_to_buy(prices):
    """`prices`: cents, oldest first, the last one current."""
    seen = prices[-LOOK_BACK:]
    return len(seen) == LOOK_BACK and seen[-1] * LOOK_BACK < sum(seen)


def sells_at(entry, price, loss_per_order):
    """The price at which the position is sold now, or None; a stop is filled where it stands."""
    if price <= entry - loss_per_order:
        return entry - loss_per_order
    if price >= entry + TAKE_PROFIT:
        return price
    return None
