/** Lets one piece of work run at a time. */
export interface Lane {
  /** Runs the work when its turn comes: urgent work before other, in order of arrival among its kind. */
  run<T>(work: () => Promise<T>, options: { readonly urgent: boolean }): Promise<T>;
}

/** A lane whose turns are short, so that somebody who waits for a few documents is not kept by the rebuilding of a whole collection. */
export function createLane(): Lane {
  const waiting = { urgent: [] as (() => void)[], patient: [] as (() => void)[] };
  let busy = false;

  const enter = (urgent: boolean): Promise<void> | undefined => {
    if (!busy) {
      busy = true;
      return undefined;
    }
    return new Promise((resolve) => (urgent ? waiting.urgent : waiting.patient).push(resolve));
  };
  const leave = () => {
    const next = waiting.urgent.shift() ?? waiting.patient.shift();
    if (next === undefined) busy = false;
    else next();
  };

  return {
    async run(work, { urgent }) {
      await enter(urgent);
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}
