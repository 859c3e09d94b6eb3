"""The simulated market: recorded prices, replayed. Nothing here needs a network."""
import csv
import os

HERE = os.path.dirname(os.path.abspath(__file__))


def prices_of(day):
    """The day's prices in cents, in order; days past the recording start over."""
    with open(os.path.join(HERE, "prices.csv"), newline="") as recorded:
        rows = list(csv.DictReader(recorded))
    wanted = (day - 1) % int(rows[-1]["day"]) + 1
    return [round(float(row["price"]) * 100) for row in rows if int(row["day"]) == wanted]


def record_observed(day, prices):
    """What the agent saw is its own to keep: `market/` is mutable."""
    with open(os.path.join(HERE, "market", "observed.csv"), "a") as observed:
        for tick, price in enumerate(prices, 1):
            observed.write(f"{day},{tick},{price / 100:.2f}\n")
