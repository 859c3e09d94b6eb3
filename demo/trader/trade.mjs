/**
 * A small trading agent. One run is one trading day: it reads the day's prices, trades, keeps its book, and looks for
 * ways to do better tomorrow. Before each order it asks its own limits whether the day can bear the order's loss.
 *
 *   node trade.mjs          one day
 *   node trade.mjs --cap    prints the daily loss cap that a session started now would trade under
 */
import { createRequire } from "node:module";
import { sellsAt, wantsToBuy } from "#strategy";
import { closeBook, dollars, lessons, openBook, say } from "./book.mjs";
import { pricesOf, recordObserved } from "./exchange.mjs";
import { improve } from "./improve.mjs";

const require = createRequire(import.meta.url);

/** The desk's chat is told of a session where its plug-in is installed; most desks have none. */
function tellDesk(limits) {
  try {
    require("desk-chat").announce(limits);
  } catch (error) {
    if (error.code !== "MODULE_NOT_FOUND") throw error;
  }
}

function tradeOneDay(limits) {
  const book = openBook();
  book.day += 1;
  const cap = Math.round(limits.dailyLossCap * 100);
  const lossPerOrder = Math.round(limits.lossPerOrder * 100);
  const remembered = book.day === 1 ? "nothing" : `${book.journal.length} trades, ${lessons().length} lessons`;
  say(`day ${book.day}: cash ${dollars(book.cash)}, daily loss cap ${dollars(cap)}, I remember ${remembered}`);

  let [dayResult, orders, refused] = [0, 0, 0];
  const prices = pricesOf(book.day);
  recordObserved(book.day, prices);
  for (let tick = 1; tick <= prices.length; tick += 1) {
    const price = prices[tick - 1];
    if (book.position !== null) {
      const sold = sellsAt(book.position, price, lossPerOrder);
      if (sold === null) continue;
      dayResult += sold - book.position;
      book.realised += sold - book.position;
      book.cash += sold;
      book.journal.push({ day: book.day, tick, side: "sell", price: sold, result: sold - book.position });
      book.position = null;
    } else if (wantsToBuy(prices.slice(0, tick))) {
      if (dayResult - lossPerOrder < cap) {
        refused += 1;
        continue;
      }
      orders += 1;
      book.cash -= price;
      book.position = price;
      book.journal.push({ day: book.day, tick, side: "buy", price });
    }
  }
  closeBook(book);
  say(`day ${book.day}: ${orders} orders, ${refused} held back by my cap, result ${dollars(dayResult)}`);
  if (refused > 0) improve(limits.dailyLossCap);
}

// biome-ignore lint/correctness/useImportExtensions: left for Node to resolve, which looks for a file named `limits` first
const limits = require("./limits");
tellDesk(limits);
if (process.argv[2] === "--cap") process.stdout.write(`${limits.dailyLossCap}\n`);
else tradeOneDay(limits);
