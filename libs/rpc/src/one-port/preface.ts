import type { Socket } from "node:net";

/** "PRI" begins HTTP/2, and no method of HTTP/1.1 does. */
const http2Preface = "PRI";

/**
 * Looks at the first three bytes and hands the connection on, with them. A client that does not send as many in time is dropped, and so is one
 * that leaves before, as those do who only look whether somebody is there.
 * waiting -> sorted, or dropped at its end or the limit.
 */
export function sortByPreface(socket: Socket, limitMs: number, to: { http1: () => void; http2: () => void }): void {
  const timer = setTimeout(() => socket.destroy(), limitMs);
  const stop = () => {
    clearTimeout(timer);
    socket.removeListener("readable", look);
    socket.removeListener("end", leave);
    socket.removeListener("close", stop);
  };
  const look = () => {
    const head = socket.read(http2Preface.length) as Buffer | null;
    if (head === null) return;
    stop();
    // At the end of input the read gives what there is, were it less.
    socket.unshift(head);
    if (head.toString("latin1") === http2Preface) to.http2();
    else to.http1();
  };
  const leave = () => socket.destroy();
  socket.once("end", leave);
  socket.once("close", stop);
  socket.on("readable", look);
}
