/** The right to be the one that works, among all processes that share a record. */
export interface Lease {
  /** Asks for it and waits for nobody: undefined while another process holds it. */
  acquire(signal: AbortSignal): Promise<Held | undefined>;
}

export interface Held {
  /** Aborted when the right is lost, as with the connection that it hangs on. */
  readonly signal: AbortSignal;
  release(): Promise<void>;
}

/** Of a record that no other process works on. */
export const unshared: Lease = {
  acquire: async () => ({ signal: new AbortController().signal, release: async () => undefined }),
};

export interface LeasedWork {
  /** Does a round if this process is the one that works, else nothing: 0. */
  round(signal: AbortSignal): Promise<number>;
  /** Lets another process take over at once. */
  release(): Promise<void>;
}

/** Keeps the lease between rounds, and asks for it again after it was lost. */
export function createLeasedWork({
  lease,
  round,
  heldChanged,
}: {
  readonly lease: Lease;
  readonly round: (signal: AbortSignal) => Promise<number>;
  readonly heldChanged: (isHeld: boolean) => void;
}): LeasedWork {
  let held: Held | undefined;

  const drop = async () => {
    const dropped = held;
    if (dropped === undefined) return;
    held = undefined;
    heldChanged(false);
    await dropped.release();
  };

  return {
    async round(signal) {
      if (held?.signal.aborted === true) await drop();
      if (held === undefined) {
        held = await lease.acquire(signal);
        if (held === undefined) return 0;
        heldChanged(true);
      }
      return await round(AbortSignal.any([signal, held.signal]));
    },
    release: drop,
  };
}
