import type { Socket } from "node:net";

/** Bytes held for one direction of a connection before its sender is paused. */
const MAX_HELD_BYTES = 1024 ** 2;

/**
 * Carries what one socket receives to another, in order: each piece once it is released.
 *
 * @param release resolves when what arrived at `arrivedAtMs` (of performance.now) may go on
 * @param admit how much of it goes on, and whether the connection is cut after that
 */
export function relay(
  from: Socket,
  to: Socket,
  {
    release,
    admit = (bytes) => ({ admitted: bytes, isLast: false }),
    cut,
  }: {
    readonly release: (arrivedAtMs: number) => Promise<void>;
    readonly admit?: (bytes: Buffer) => { readonly admitted: Buffer; readonly isLast: boolean };
    readonly cut: () => void;
  },
): void {
  let heldBytes = 0;
  let before = Promise.resolve();
  const next = (deliver: () => Promise<void> | void) => {
    const arrivedAtMs = performance.now();
    before = before.then(async () => {
      await release(arrivedAtMs);
      if (!to.destroyed) await deliver();
    });
  };
  from.on("data", (bytes) => {
    heldBytes += bytes.length;
    if (heldBytes > MAX_HELD_BYTES) from.pause();
    next(async () => {
      const { admitted, isLast } = admit(bytes);
      await flushed(to, admitted);
      if (isLast) cut();
      heldBytes -= bytes.length;
      if (heldBytes <= MAX_HELD_BYTES) from.resume();
    });
  });
  from.once("end", () => next(() => void to.end()));
}

/** Resolves once the bytes are with the system, or the socket is gone. */
const flushed = (socket: Socket, bytes: Buffer) => new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
