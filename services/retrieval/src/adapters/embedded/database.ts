import { existsSync, mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { StoreUnavailableError } from "../../domain/store-errors.ts";
import { DataFolderError, lockFolder } from "./folder-lock.ts";
import { migrations } from "./migrations.ts";

/** Nothing is written to disk, and nothing is left of it. */
export const inMemory = ":memory:";

/**
 * One SQLite database with its prepared statements. node:sqlite is synchronous: a transaction runs to its end before anything else does, so
 * nobody sees half of one, and it has to be short.
 */
export class Database {
  readonly #database: DatabaseSync;
  readonly #lock: { release(): void } | undefined;
  /** Its path; undefined for one that is not kept. */
  readonly file: string | undefined;
  readonly #statements = new Map<string, StatementSync>();

  /** Opens, or makes, the database of a data folder; throws DataFolderError. Pass `inMemory` for one that is not kept. */
  constructor(folder: string) {
    this.#lock = folder === inMemory ? undefined : takeFolder(folder);
    this.file = folder === inMemory ? undefined : join(folder, "quartet.db");
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(this.file ?? inMemory);
      // FULL: a commit has reached the disk when it is acknowledged. WAL: one write of the file for each.
      // Pages of 16 KiB hold seven vectors of 2 KiB, the usual 4 KiB one: half the file, and half the time to read it.
      database.exec(`
        PRAGMA page_size = 16384;
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA foreign_keys = ON;
        PRAGMA busy_timeout = 1000;
        PRAGMA cache_size = -65536;
        PRAGMA temp_store = MEMORY;
      `);
      this.#database = database;
      this.#migrate(folder);
    } catch (error) {
      database?.close();
      this.#lock?.release();
      throw error instanceof DataFolderError ? error : unusable(folder, error);
    }
  }

  close(): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
    this.#lock?.release();
  }

  exec(sql: string): void {
    this.#database.exec(sql);
  }

  /** Runs a statement that gives no rows; `id` is that of the row it inserted. */
  run(sql: string, ...values: SQLInputValue[]): { readonly id: number; readonly changes: number } {
    const { lastInsertRowid, changes } = this.#prepare(sql).run(...values);
    return { id: Number(lastInsertRowid), changes: Number(changes) };
  }

  get<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepare(sql).get(...values) as Row | undefined;
  }

  all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepare(sql).all(...values) as Row[];
  }

  /** Row by row, each as a list of its columns, which costs half as much as objects do. For statements that are run once. */
  rows<Row extends readonly unknown[]>(sql: string): IterableIterator<Row> {
    const statement = this.#database.prepare(sql);
    statement.setReturnArrays(true);
    return statement.iterate() as unknown as IterableIterator<Row>;
  }

  /** Forgets the statements about a table that is to be dropped: SQLite does not drop what may still be read. */
  forget(table: string): void {
    for (const sql of this.#statements.keys()) if (sql.includes(table)) this.#statements.delete(sql);
  }

  /** All of it, on disk, or nothing. Throws StoreUnavailableError where the disk cannot take it. */
  transaction<Result>(work: () => Result): Result {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#database.exec("COMMIT");
      return result;
    } catch (error) {
      // A full disk rolls back by itself.
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw isOfTheDisk(error) ? new StoreUnavailableError("the data folder", { cause: error }) : error;
    }
  }

  /** False after an error, such as a full disk, at which SQLite rolled back the whole transaction. */
  get isInTransaction(): boolean {
    return this.#database.isTransaction;
  }

  /** A part of a transaction that can fail without the rest. */
  savepoint<Result>(work: () => Result): Result {
    this.#database.exec("SAVEPOINT part");
    try {
      const result = work();
      this.#database.exec("RELEASE part");
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK TO part; RELEASE part");
      throw error;
    }
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #migrate(folder: string): void {
    const { user_version: version } = this.#database.prepare("PRAGMA user_version").get() as { user_version: number };
    if (version > migrations.length) {
      throw new DataFolderError(
        `The data folder ${folder} was written by a newer Quartet (schema ${version}, this one knows ${migrations.length}). Use that version, or set QUARTET_DATA_DIR to another folder.`,
      );
    }
    for (const [index, sql] of migrations.entries()) {
      if (index < version) continue;
      this.transaction(() => this.#database.exec(`${sql}; PRAGMA user_version = ${index + 1}`));
    }
  }
}

function takeFolder(folder: string): { release(): void } {
  try {
    makeFolder(resolve(folder));
    return lockFolder(folder);
  } catch (error) {
    throw error instanceof DataFolderError ? error : unusable(folder, error);
  }
}

/** Step by step: Node's own `recursive` never ends where a file system answers "no such folder" to the making of one, as /proc does. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another process was faster, which the lock tells apart.
    if ((error as { readonly code?: unknown }).code !== "EEXIST") throw error;
  }
}

/** SQLite's codes for a disk that is full, broken or read-only; what exactly is in the bytes above. */
const diskErrors: ReadonlySet<number> = new Set([8, 10, 13, 14]);

function isOfTheDisk(error: unknown): boolean {
  const { errcode } = error as { readonly errcode?: unknown };
  return typeof errcode === "number" && diskErrors.has(errcode & 0xff);
}

/** What the folder's owner is told: why, and what to do. */
export function unusable(folder: string, error: unknown): DataFolderError {
  const cause = error instanceof StoreUnavailableError ? error.cause : error;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new DataFolderError(
    `The data folder ${folder} cannot be used (${reason}). Make it readable and writable, put back a copy if it is damaged, or set QUARTET_DATA_DIR to another folder.`,
    { cause },
  );
}
