/** What a verb may touch of the process around it, as a parameter, so that tests need no process. */

/** A place to write text to. */
export interface Sink {
  readonly isTerminal: boolean;
  readonly write: (text: string) => void;
}

export interface Io {
  /** Results: what a script reads. */
  readonly stdout: Sink;
  /** Talk: what a person reads. */
  readonly stderr: Sink;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  readonly workingDirectory: string;
  /** Effective user id. */
  readonly uid: number;
}

/** The exit statuses that scripts rely on. `run` gives the agent's own besides. */
export const EXIT = {
  /** Done, or the check's answer is yes. */
  yes: 0,
  /** The question could not be answered: wrong usage, a missing file, a fault. */
  unanswered: 1,
  /** The check's answer is no. */
  no: 2,
  /** `run`: Hardline did not start the agent. */
  notStarted: 125,
  /** `run`: the agent's program is there and cannot be executed. */
  notExecutable: 126,
  /** `run`: the agent's program is not there. */
  notFound: 127,
} as const;

/**
 * The Io of this very process. The streams are made when they are first used: making one takes a millisecond, and `run`
 * mostly needs none.
 */
export function processIo(): Io {
  return {
    stdout: sink(() => process.stdout),
    stderr: sink(() => process.stderr),
    environment: process.env,
    workingDirectory: process.cwd(),
    uid: process.geteuid?.() ?? -1,
  };
}

function sink(open: () => NodeJS.WriteStream): Sink {
  let stream: NodeJS.WriteStream | undefined;
  const opened = (): NodeJS.WriteStream => {
    if (stream === undefined) {
      stream = open();
      // `hardline plan | head`: the reader has gone, and there is nobody left to tell.
      stream.on("error", (error: NodeJS.ErrnoException) => {
        if (error.code !== "EPIPE") throw error;
      });
    }
    return stream;
  };
  return {
    get isTerminal() {
      return opened().isTTY === true;
    },
    write: (text) => void opened().write(text),
  };
}
