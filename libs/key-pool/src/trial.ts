/** How calls come back to a key after a 429. */
export interface Trial {
  /** Calls that went well in the minute before the 429: so many are expected to go well again. */
  known: number;
  /** How many calls beyond those have to go well until one more goes at once: twice as many each time that ended in a 429. */
  readonly patience: number;
  sent: number;
  wentWell: number;
  lastSentAt: number;
  /** Calls that are taken for let in, since they have no answer after a while. */
  presumed: number;
}

/** A refusal comes at once: calls without an answer after so long were let in. */
export const TRIAL_MS = 1_000;
/** More than twice as many calls as were known to go well, and some, go well: then the limit was another one, or is no more. */
const FREE_AFTER = 8;
const MOST_PATIENCE = 64;

export function startTrial(known: number, last: Trial | undefined): Trial {
  const patience = last === undefined ? 1 : Math.min(MOST_PATIENCE, 2 * last.patience);
  return { known, patience, sent: 0, wentWell: 0, lastSentAt: -Infinity, presumed: 0 };
}

/** Whether one more call may go beside those that have no answer yet. */
export function admits(trial: Trial, unheard: number, now: number): boolean {
  const { known, patience, sent, wentWell, lastSentAt, presumed } = trial;
  if (unheard === 0 || now - lastSentAt >= TRIAL_MS) return true;
  if (wentWell === 0) return false;
  return unheard - presumed <= (sent < known ? wentWell : Math.floor((wentWell - known) / patience));
}

/** A call goes out beside those that have no answer yet. */
export function sendOnTrial(trial: Trial, unheard: number, now: number): void {
  if (trial.sent > 0 && unheard > 0 && now - trial.lastSentAt >= TRIAL_MS) {
    trial.wentWell += Math.max(0, unheard - trial.presumed);
    trial.presumed = unheard;
  }
  trial.sent++;
  trial.lastSentAt = now;
}

/** A call was let in. Returns whether the trial is over. */
export function passTrial(trial: Trial): boolean {
  return ++trial.wentWell >= 2 * trial.known + FREE_AFTER * trial.patience;
}
