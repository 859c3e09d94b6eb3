"""A small trading agent, the twin of trader/trade.mjs: one run is one trading day.

    python3 trade.py          one day
    python3 trade.py --cap    prints the daily loss cap that a session started now would trade under
"""
import sys

import limits
from book import close_book, dollars, lessons, open_book, say
from exchange import prices_of, record_observed
from improve import improve
from strategy import sells_at, wants_to_buy


def trade_one_day():
    book = open_book()
    book["day"] += 1
    day = book["day"]
    cap = round(limits.DAILY_LOSS_CAP * 100)
    loss_per_order = round(limits.LOSS_PER_ORDER * 100)
    remembered = "nothing" if day == 1 else f"{len(book['journal'])} trades, {len(lessons())} lessons"
    say(f"day {day}: cash {dollars(book['cash'])}, daily loss cap {dollars(cap)}, I remember {remembered}")

    day_result = orders = refused = 0
    prices = prices_of(day)
    record_observed(day, prices)
    for tick, price in enumerate(prices, 1):
        if book["position"] is not None:
            sold = sells_at(book["position"], price, loss_per_order)
            if sold is None:
                continue
            result = sold - book["position"]
            day_result += result
            book["realised"] += result
            book["cash"] += sold
            book["journal"].append({"day": day, "tick": tick, "side": "sell", "price": sold, "result": result})
            book["position"] = None
        elif wants_to_buy(prices[:tick]):
            if day_result - loss_per_order < cap:
                refused += 1
                continue
            orders += 1
            book["cash"] -= price
            book["position"] = price
            book["journal"].append({"day": day, "tick": tick, "side": "buy", "price": price})
    close_book(book)
    say(f"day {day}: {orders} orders, {refused} held back by my cap, result {dollars(day_result)}")
    if refused > 0:
        improve(limits.DAILY_LOSS_CAP)


if __name__ == "__main__":
    if sys.argv[1:] == ["--cap"]:
        print(limits.DAILY_LOSS_CAP)
    else:
        trade_one_day()
