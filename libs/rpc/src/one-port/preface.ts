import type { Socket } from "node:net";

/** "PRI" begins HTTP/2, and no method of HTTP/1.1 does. */
const http2Preface = "PRI";

export interface PrefaceLimits {
  /** From the first byte to the third. */
  readonly prefaceMs: number;
  /** To the first byte: clients open connections ahead of need, as browsers do, and expect them to stay. */
  readonly silentMs: number;
}

/**
 * Looks at the first three bytes and hands the connection on, with them. A client that does not send as many in time is dropped, and so is one
 * that leaves before, as those do who only look whether somebody is there.
 * silent -> begun -> sorted, or dropped at its end or a limit.
 */
export function sortByPreface(
  socket: Socket,
  { prefaceMs, silentMs }: PrefaceLimits,
  to: { http1: () => void; http2: () => void },
): void {
  let hasBegun = false;
  let timer = setTimeout(() => socket.destroy(), silentMs);
  const stop = () => {
    clearTimeout(timer);
    socket.removeListener("readable", look);
    socket.removeListener("end", leave);
    socket.removeListener("close", stop);
  };
  const look = () => {
    const head = socket.read(http2Preface.length) as Buffer | null;
    if (head === null) return begin();
    stop();
    // At the end of input the read gives what there is, were it less.
    socket.unshift(head);
    if (head.toString("latin1") === http2Preface) to.http2();
    else to.http1();
  };
  const begin = () => {
    if (hasBegun || socket.readableLength === 0) return;
    hasBegun = true;
    clearTimeout(timer);
    timer = setTimeout(() => socket.destroy(), prefaceMs);
  };
  const leave = () => socket.destroy();
  socket.once("end", leave);
  socket.once("close", stop);
  socket.on("readable", look);
}
