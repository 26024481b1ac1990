import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { hashString } from "./hash.ts";
import { readIdfTable, type IdfTable } from "./idf-table.ts";

/** A table of the package's data folder (see data/README.md), with what tells it from any other. */
export interface StaticTable extends IdfTable {
  /** The first 16 hexadecimal digits of the file's SHA-256. */
  readonly checksum: string;
}

const tables = new Map<string, StaticTable>();

/** `terms`: what terms() gives. `grams`: the character n-grams of hashedEmbedding(). Read once, on first use. */
export function staticTable(name: "terms" | "grams"): StaticTable {
  let table = tables.get(name);
  if (!table) {
    const bytes = readFileSync(new URL(`../data/${name}.idf`, import.meta.url));
    const checksum = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
    table = { ...readIdfTable(bytes), checksum };
    tables.set(name, table);
  }
  return table;
}

/** How telling a term of terms() is in English and Korean text at large: ln(passages / passages with it). No corpus is asked. */
export function termIdf(term: string): number {
  return staticTable("terms").idf(hashString(term));
}
