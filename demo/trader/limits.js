// The desk's limits, in dollars. The risk officer sets them; the agent trades within them.
module.exports = {
  dailyLossCap: -5,
  lossPerOrder: 1.5,
};
