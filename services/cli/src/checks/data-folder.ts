import { inspectDataFolder } from "../adapters/data-folder.ts";
import { type Check, fail, ok, warn } from "../domain/check.ts";

const mebibyte = 1024 * 1024;

/** The data folder of a server on this machine: whether it can be used, whether one uses it, and the store in it. */
export async function checkDataFolder(folder: string): Promise<Check[]> {
  let found;
  try {
    found = await inspectDataFolder(folder);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const advice = "Restore the folder from a backup, or move it away and index again; QUARTET_DATA_DIR names another.";
    return [fail("store", `${folder} holds a store that cannot be read: ${reason}`, advice)];
  }
  const { exists, writable, inUse, store } = found;
  if (!writable) {
    return [fail("data folder", `${folder} cannot be written`, "Give this user the right, or set QUARTET_DATA_DIR.")];
  }
  const state = inUse ? "in use by a server" : "not in use";
  const folderCheck = exists
    ? ok("data folder", `${folder}, ${state}`)
    : ok("data folder", `${folder} is made at the first start`);
  if (!store) return [folderCheck, ok("store", "embedded, empty")];
  const size = `${(store.byteCount / mebibyte).toFixed(1)} MiB, schema version ${store.schemaVersion}`;
  if (store.schemaVersion === 0) {
    return [folderCheck, warn("store", `embedded, ${size}`, "Start the server once; it brings the schema up to date.")];
  }
  return [folderCheck, ok("store", `embedded, ${size}`)];
}
