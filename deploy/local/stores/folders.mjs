/** Where the stores of this checkout lie. */
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import path from "node:path";
import { root } from "../install.mjs";

const home = path.join(root, ".quartet", "stores");

/** What is fetched and unpacked, shared by all sets of data. */
export const enginesFolder = path.join(home, "engines");

/** What `npm run stores` keeps. QUARTET_STORES_DIR names another folder. */
export const dataFolder = path.resolve(root, process.env.QUARTET_STORES_DIR || path.join(home, "data"));

/** What `npm test` keeps while it runs. */
export const testDataFolder = path.join(home, "test");

/** A folder's stand-in below the temporary folder, where an account that may not enter the folder itself can work. */
export function temporaryTwin(folder) {
  const name = createHash("sha256").update(folder).digest("hex").slice(0, 12);
  return path.join(tmpdir(), `quartet-stores-${name}`, path.basename(folder));
}
