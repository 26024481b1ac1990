/**
 * As whom a store runs. PostgreSQL and Elasticsearch refuse to run as root, so root starts them as `nobody`. Where nobody may not enter the checkout, as
 * below a home folder that is closed to others, they run in a user namespace in which root has another number; where namespaces are not allowed either,
 * in a folder below the temporary one.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, lchownSync, lstatSync, mkdirSync, readdirSync } from "node:fs";
import path from "node:path";

const nobody = 65_534;
const namespace = ["unshare", "--user", "--map-user=1000", "--map-group=1000"];

/**
 * @typedef {object} Account
 * @property {string[]} prefix goes before the command
 * @property {{ uid?: number, gid?: number }} ids for child_process.spawn
 * @property {(folder: string) => void} own gives a folder and all in it to the account
 */

/**
 * @param {string[]} paths what the account must be able to reach
 * @returns {Account | undefined} undefined where root found no account that reaches them
 */
export function accountThatReaches(paths) {
  if (process.getuid() !== 0) return { prefix: [], ids: {}, own: () => undefined };
  const ids = { uid: nobody, gid: nobody };
  if (paths.every((target) => works(["test", "-r", target], ids)))
    return { prefix: [], ids, own: (folder) => giveTo(nobody, folder) };
  if (paths.every((target) => works([...namespace, "test", "-r", target])))
    return { prefix: namespace, ids: {}, own: (folder) => giveTo(0, folder) };
  return undefined;
}

/** Makes a folder that every account may enter, as far as it is up to the folder itself. */
export function openFolder(folder) {
  // What is there keeps its mode: its owner may have chosen it, and may be somebody else.
  if (mkdirSync(folder, { recursive: true })) chmodSync(folder, 0o755);
}

/**
 * Makes a folder below the temporary one, where anybody may have made one of its name before.
 * @param {string} folder
 */
export function claimFolder(folder) {
  openFolder(folder);
  if (lstatSync(folder).uid !== process.getuid())
    throw new Error(`${folder} belongs to somebody else: delete it, or set TMPDIR to another folder.`);
}

const works = ([command, ...args], options = {}) =>
  spawnSync(command, args, { stdio: "ignore", ...options }).status === 0;

function giveTo(id, target) {
  if (!existsSync(target)) return;
  lchownSync(target, id, id);
  for (const entry of readdirSync(target, { withFileTypes: true })) {
    const inner = path.join(target, entry.name);
    if (entry.isDirectory()) giveTo(id, inner);
    else lchownSync(inner, id, id);
  }
}
