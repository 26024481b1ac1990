import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { StartError } from "@quartet/service";

/** The data folder cannot be used; the message is one line that says what to do. */
export class DataFolderError extends StartError {
  override readonly name: string = "DataFolderError";
}

/** The data folder belongs to another process, or to another store of this one. */
export class FolderInUseError extends DataFolderError {
  override readonly name = "FolderInUseError";
  constructor(folder: string) {
    super(
      `The data folder ${folder} is in use by another process. Stop that one, or set QUARTET_DATA_DIR to another folder.`,
    );
  }
}

const sqliteBusy = 5;

/**
 * Takes a data folder for this process by an exclusive transaction on a database of its own, held until `release`. The kernel frees it
 * when the process ends, however it ends: there is no stale lock to remove.
 */
export function lockFolder(folder: string): { release(): void } {
  const database = new DatabaseSync(join(folder, "quartet.lock"));
  try {
    database.exec("PRAGMA busy_timeout = 0");
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    const code = (error as { errcode?: number }).errcode ?? 0;
    if ((code & 0xff) === sqliteBusy) throw new FolderInUseError(folder);
    throw error;
  }
  return { release: () => database.close() };
}
