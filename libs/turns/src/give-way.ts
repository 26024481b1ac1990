/** A turn of the event loop that has taken so much time is long: everybody else waits for its end. */
const longTurnMs = 5;

/** When somebody first asked in this turn. */
let turnBegan: number | undefined;

/** Those that gave way, longest waiting first. Each has asked for one `resume`. */
const waiting: (() => void)[] = [];

/** What is done from here on counts as this turn's, until somebody asks whether it has become long. */
export function beginTurn(): void {
  isLong();
}

/** As `giveWay`, for loops: what is done from here to the first time that it is asked counts as well. */
export function createGiveWay(): typeof giveWay {
  beginTurn();
  return giveWay;
}

/**
 * For work that would hold up other calls: `await giveWay(signal)` between its steps lets the event loop go on once this turn of it has become long,
 * whoever made it so; costs nearly nothing before, and throws the signal's reason once that is aborted. Those who gave way go on in their order, as
 * many in each turn as do not make it long again.
 */
export function giveWay(signal?: AbortSignal): Promise<void> | undefined {
  signal?.throwIfAborted();
  return isLong() ? nextTurn(signal) : undefined;
}

function isLong(): boolean {
  const now = performance.now();
  if (turnBegan !== undefined) return now - turnBegan >= longTurnMs;
  turnBegan = now;
  // Runs after what is ready in this turn, before those who wait for the next.
  setImmediate(endTurn);
  return false;
}

function endTurn(): void {
  turnBegan = undefined;
}

async function nextTurn(signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  waiting.push(resolve);
  setImmediate(resume);
  await promise;
  signal?.throwIfAborted();
}

function resume(): void {
  if (isLong()) setImmediate(resume);
  else waiting.shift()!();
}
