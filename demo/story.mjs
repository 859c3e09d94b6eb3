/** The acts as a story for people: at most 88 columns, colour where a terminal is looking and NO_COLOR is not set. */

const WIDTH = 88;
const INDENT = "     ";

const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };
const OUTCOMES = {
  held: ["held", "green"],
  shown: ["shown", "yellow"],
  moot: ["not shown here", "yellow"],
  inconclusive: ["INCONCLUSIVE", "red"],
  broken: ["BROKEN", "red"],
};

/** @param {boolean} color */
export function storyteller(color) {
  const paint = (style, text) => (color ? `\x1b[${STYLES[style]}m${text}\x1b[0m` : text);
  const mark = (outcome) => paint(OUTCOMES[outcome][1], OUTCOMES[outcome][0]);
  const counts = { act: 0, attempt: 0 };

  /** Left and right of one line; what does not fit is shortened on the left. */
  const spread = (left, right, paintedRight = right) => {
    const room = WIDTH - right.length - 2;
    const fitting = left.length > room ? `${left.slice(0, room - 1)}…` : left;
    return `${fitting.padEnd(room)}  ${paintedRight}`;
  };

  const hostLine = (limits, outcome) => {
    const text = `${INDENT}on the host: ${limits.name} sha256 ${limits.sha256.slice(0, 12)} says ${limits.line}`;
    return spread(text, OUTCOMES[outcome][0], mark(outcome));
  };
  const actLine = ({ did, own, answer, times }) => {
    const right = own ? `${answer} (its own)` : answer;
    const left = `${INDENT}  ${did}${times > 1 ? `, ${times} of them` : ""}`;
    return spread(left, right, paint(own ? "dim" : "bold", right));
  };
  const because = (event) =>
    event.because === undefined ? [] : wrapped(`${event.because}.`).map((line) => paint("dim", line));

  const tell = {
    title: (event) => [paint("bold", event.title)],
    act(event) {
      counts.act += 1;
      counts.attempt = 0;
      return ["", paint("bold", `${counts.act}  ${event.title}`), ...wrapped(event.about), ""];
    },
    policy(event) {
      return [
        ...event.text
          .trimEnd()
          .split("\n")
          .map((line) => paint("cyan", shortened(`${INDENT}  ${line}`))),
        "",
      ];
    },
    session(event) {
      return [
        ...event.lines.map((line) => shortened(`${INDENT}│ ${line}`)),
        hostLine(event.limits, event.outcome),
        ...because(event),
        "",
      ];
    },
    attempt(event) {
      counts.attempt += 1;
      const without = event.without === undefined ? [] : [`${INDENT}without Hardline: ${event.without.result}`];
      return [
        `${counts.act}.${counts.attempt}  ${event.title}`,
        ...folded(event.sealed.acts).map(actLine),
        ...without.map((line) => paint("dim", line)),
        `${INDENT}with Hardline: ${event.sealed.result}`,
        ...event.sealed.says.map((line) => shortened(`${INDENT}Hardline: ${line}`)),
        hostLine(event.host.limits, event.outcome),
        ...because(event),
        "",
      ];
    },
    note(event) {
      return [...wrapped(event.text).map((line) => paint("dim", line)), ""];
    },
    verdict(event) {
      const total = event.counts;
      const told = Object.keys(OUTCOMES)
        .filter((outcome) => total[outcome] > 0)
        .map((outcome) => `${total[outcome]} ${OUTCOMES[outcome][0]}`);
      const text =
        event.verdict === "held"
          ? "It did its work, and could not change, get round or outlive the rules it works under."
          : "Not everything held. See above.";
      return ["", paint("bold", paint(event.verdict === "held" ? "green" : "red", text)), `${told.join(", ")}.`];
    },
  };
  /** @returns {string} the event's lines, each ended */
  return (event) =>
    tell[event.kind](event)
      .map((line) => `${line}\n`)
      .join("");
}

/** The same act with the same answer, told once. */
function folded(acts) {
  const told = [];
  for (const act of acts) {
    const last = told.at(-1);
    if (last?.did === act.did && last.answer === act.answer) last.times += 1;
    else told.push({ ...act, times: 1 });
  }
  return told;
}

/** The agent chooses some of this text: nothing in it may move the cursor or colour the verdict. */
function shortened(text) {
  const line = text.replace(/\p{Cc}/gu, "?");
  return line.length > WIDTH ? `${line.slice(0, WIDTH - 1)}…` : line;
}

function wrapped(text) {
  const lines = [];
  let line = INDENT.slice(1);
  for (const word of text.split(" ")) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = INDENT.slice(1);
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
