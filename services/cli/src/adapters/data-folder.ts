import { access, constants, stat } from "node:fs/promises";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";

/** What lies in a data folder; nothing is changed by looking. */
export interface DataFolder {
  readonly exists: boolean;
  readonly writable: boolean;
  /** Whether a server holds it. */
  readonly inUse: boolean;
  /** The store, where there is one. */
  readonly store: { readonly byteCount: number; readonly schemaVersion: number } | undefined;
}

/** @throws {Error} if there is a store that cannot be read */
export async function inspectDataFolder(folder: string): Promise<DataFolder> {
  const exists = await isThere(folder);
  // A folder that is not there yet is made where its parent allows it.
  const writable = await isWritable(exists ? folder : path.dirname(folder));
  const lock = path.join(folder, "quartet.lock");
  const database = path.join(folder, "quartet.db");
  return {
    exists,
    writable,
    inUse: (await isThere(lock)) && isLocked(lock),
    store: (await isThere(database)) ? await describeStore(database) : undefined,
  };
}

const isThere = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );

const isWritable = (folder: string): Promise<boolean> =>
  access(folder, constants.W_OK).then(
    () => true,
    () => false,
  );

/** The server holds an exclusive transaction on the lock database for as long as it lives. */
function isLocked(file: string): boolean {
  const database = new DatabaseSync(file);
  try {
    database.exec("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE; ROLLBACK");
    return false;
  } catch {
    return true;
  } finally {
    database.close();
  }
}

async function describeStore(file: string): Promise<NonNullable<DataFolder["store"]>> {
  const { size } = await stat(file);
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const row = database.prepare("PRAGMA user_version").get();
    return { byteCount: size, schemaVersion: Number(row?.["user_version"] ?? 0) };
  } finally {
    database.close();
  }
}
