import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { StoreUnavailableError } from "../../domain/store-errors.ts";
import { Database } from "./database.ts";
import { DataFolderError, FolderInUseError } from "./folder-lock.ts";

describe("Database", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "quartet-database-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const counted = (database: Database) => database.get<{ n: number }>("SELECT count(*) AS n FROM term")!.n;
  const insert = (database: Database, text: string) => database.run("INSERT INTO term (text) VALUES (?)", text);

  it("makes the folder, writes to disk at each commit, and migrates once", () => {
    const inner = join(folder, "새 폴더", "data");
    const database = new Database(inner);
    expect(database.get("PRAGMA synchronous")).toEqual({ synchronous: 2 });
    expect(database.get("PRAGMA journal_mode")).toEqual({ journal_mode: "wal" });
    database.transaction(() => insert(database, "가"));
    database.close();
    const again = new Database(inner);
    expect(counted(again)).toBe(1);
    again.close();
  });

  it("undoes a transaction that fails, and a part alone", () => {
    const database = new Database(folder);
    const fail = () => {
      insert(database, "lost");
      throw new Error("no");
    };
    expect(() => database.transaction(fail)).toThrow("no");
    expect(counted(database)).toBe(0);
    database.transaction(() => {
      insert(database, "kept");
      expect(() => database.savepoint(fail)).toThrow("no");
    });
    expect(counted(database)).toBe(1);
    database.close();
  });

  it("says that the disk cannot take a change, and goes on when it can", () => {
    const database = new Database(folder);
    const { page_count: pages } = database.get<{ page_count: number }>("PRAGMA page_count")!;
    database.exec(`PRAGMA max_page_count = ${pages}`);
    const fill = () => database.transaction(() => insert(database, "가".repeat(100_000)));
    expect(fill).toThrow(StoreUnavailableError);
    expect(fill).toThrow(expect.objectContaining({ cause: expect.objectContaining({ errcode: 13 }) }));
    expect(counted(database)).toBe(0);
    database.exec("PRAGMA max_page_count = 4294967294");
    fill();
    expect(counted(database)).toBe(1);
    database.close();
  });

  it("ends where a file system refuses folders in a way that Node's own recursion never ends at", () => {
    expect(() => new Database("/proc/nowhere/data")).toThrow(
      /^The data folder \/proc\/nowhere\/data cannot be used \(.*\)\./,
    );
  });

  it("says in one line why a folder cannot be used", async () => {
    const first = new Database(folder);
    expect(() => new Database(folder)).toThrow(FolderInUseError);
    first.close();
    await writeFile(join(folder, "file"), "");
    expect(() => new Database(join(folder, "file"))).toThrow(DataFolderError);
    await writeFile(join(folder, "quartet.db"), "this is no database, but text that is long enough to be read as one");
    expect(() => new Database(folder)).toThrow(/^The data folder .* cannot be used \(.*\)\. Make it .*\.$/);
    // And the lock was given back.
    await rm(join(folder, "quartet.db"));
    new Database(folder).close();
  });

  it("refuses what a newer version wrote", () => {
    new Database(folder).close();
    const newer = new DatabaseSync(join(folder, "quartet.db"));
    newer.exec("PRAGMA user_version = 999");
    newer.close();
    expect(() => new Database(folder)).toThrow(/was written by a newer Quartet \(schema 999/);
  });
});
