import { createHash } from "node:crypto";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Runs one at a time among all processes of this machine that name the same folder. The lock is a socket in Linux's abstract namespace, so it is free
 * again the moment its holder ends, however it ends.
 *
 * @template T
 * @param {string} folder
 * @param {() => Promise<T>} work
 * @param {() => void} onWait called once where another process is at it
 * @returns {Promise<T>}
 */
export async function alone(folder, work, onWait = () => undefined) {
  const address = `\0quartet-stores-${createHash("sha256").update(folder).digest("hex")}`;
  for (let waited = false; ; waited = true) {
    const holder = await hold(address);
    if (holder) {
      try {
        return await work();
      } finally {
        holder.close();
      }
    }
    if (!waited) onWait();
    await sleep(250);
  }
}

function hold(address) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error) => (error.code === "EADDRINUSE" ? resolve(undefined) : reject(error)));
    server.listen(address, () => resolve(server));
  });
}
