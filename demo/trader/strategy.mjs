/** Buy the dip: buy below the mean of the last three prices, take a small profit, stop at the loss an order may make. */

/** All amounts are whole cents, so that two runs, and the twin in Python, agree to the last digit. */
const TAKE_PROFIT = 80;
const LOOK_BACK = 3;

/** @param {number[]} prices cents, oldest first, the last one current */
export function wantsToBuy(prices) {
  const seen = prices.slice(-LOOK_BACK);
  const sum = seen.reduce((total, price) => total + price, 0);
  return seen.length === LOOK_BACK && seen.at(-1) * LOOK_BACK < sum;
}

/**
 * @param {number} entry cents paid
 * @param {number} price cents now
 * @param {number} lossPerOrder cents, positive
 * @returns {number | null} the price at which the position is sold now; a stop is filled where it stands
 */
export function sellsAt(entry, price, lossPerOrder) {
  if (price <= entry - lossPerOrder) return entry - lossPerOrder;
  if (price >= entry + TAKE_PROFIT) return price;
  return null;
}
