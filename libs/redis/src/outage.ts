export interface OutageOptions {
  /** Whether Redis answers in time. Never rejects. */
  readonly ping: () => Promise<boolean>;
  readonly onChange: (down: boolean) => void;
  /** The pause before the second ping; it doubles with each further one. Default: 100 ms. */
  readonly baseMs?: number;
  /** The longest pause. Default: 5 s. */
  readonly maxMs?: number;
  /** From 0 to below 1. Default: Math.random. */
  readonly random?: () => number;
}

/** Whether Redis is left alone for a moment. The owner calls `close`. */
export interface Outage {
  readonly down: boolean;
  /** A call was late or lost, or the server as a whole refuses. */
  trouble(): void;
  /** A call was answered. */
  answered(): void;
  /** A new connection has been made, and its handshake answered. */
  connected(): void;
  close(): void;
}

/*
 *              a call is late, lost or refused by the server as a whole
 *     up ----------------------------------------------------------------> down
 *      ^                                                                    |  ^
 *      |                                           the pause is over: ping  |  | not answered in time: a longer pause
 *      '----------------------- answered in time ------------------------ pinging
 *
 * So a Redis that hangs costs one time limit to those who were waiting when it began, and nothing to all who come later: the pings are
 * nobody's calls. The first ping follows at once, as one late reply is no outage; the pauses after it are 100 ms, 200 ms ... 5 s with jitter,
 * and start anew only when a call was answered: a server that answers pings alone is left alone for longer and longer.
 */
export function createOutage(options: OutageOptions): Outage {
  const { ping, onChange, baseMs = 100, maxMs = 5_000, random = Math.random } = options;
  let down = false;
  let closed = false;
  let troubles = 0;
  let timer: NodeJS.Timeout | undefined;

  const enter = (to: boolean) => {
    if (down === to) return;
    down = to;
    onChange(to);
  };
  const look = async () => {
    const alive = await ping();
    if (closed || !down) return;
    if (alive) enter(false);
    else pauseThenLook();
  };
  const pauseThenLook = () => {
    const pauseMs = troubles === 0 ? 0 : Math.min(maxMs, baseMs * 2 ** (troubles - 1)) * (0.5 + random() / 2);
    troubles = Math.min(troubles + 1, 32);
    timer = setTimeout(() => void look(), pauseMs).unref();
  };

  return {
    get down() {
      return down;
    },
    trouble: () => {
      if (down || closed) return;
      enter(true);
      pauseThenLook();
    },
    answered: () => {
      if (!down) troubles = 0;
    },
    connected: () => {
      clearTimeout(timer);
      troubles = 0;
      enter(false);
    },
    close: () => {
      closed = true;
      clearTimeout(timer);
    },
  };
}
