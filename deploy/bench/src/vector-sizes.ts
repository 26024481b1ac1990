/**
 * `npm run bench vector-sizes`: what vectors take in PostgreSQL in single and in half precision, table and index. It works in a database of its
 * own on the server of DATABASE_URL, and drops it.
 */
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { storesForTests } from "@quartet/testing";
import { measureVectorSizes, type VectorSizes } from "./measure-vector-sizes.ts";

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "2000" },
    dimensions: { type: "string", default: "384,1024,1536" },
    /** Of a login that may create databases and extensions. Default: DATABASE_URL. */
    database: { type: "string", default: process.env["DATABASE_URL"] ?? "" },
    /** A file. */
    json: { type: "string" },
  },
});

const numbers = [values.rows, ...values.dimensions.split(",")].map(Number);
if (!numbers.every((number) => Number.isInteger(number) && number > 0)) {
  process.stderr.write("--rows and --dimensions take whole numbers above 0.\n");
  process.exit(2);
}
if (values.database === "") {
  process.stderr.write(
    "Set DATABASE_URL, or --database, to a PostgreSQL with pgvector: `npm run stores start postgres` prints one.\n",
  );
  process.exit(2);
}
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

const { stores } = storesForTests(["postgres"], { QUARTET_TEST_DATABASE_URL: values.database });
await using database = await stores!.postgres.createDatabase();
const [rows, ...dimensions] = numbers;
const measured = await measureVectorSizes({
  url: database.url,
  rows: rows!,
  dimensions,
  signal: stop.signal,
  progress: (line) => process.stderr.write(`${line}\n`),
});
const mebibytes = (bytes: number) => (bytes / 1024 ** 2).toFixed(1).padStart(10);
process.stdout.write(`dimensions  precision       table      index   (MiB, ${rows} rows)\n`);
for (const { dimensions, precision, tableBytes, indexBytes } of measured satisfies readonly VectorSizes[]) {
  const name = `${String(dimensions).padStart(10)}  ${precision.padEnd(10)}`;
  process.stdout.write(`${name}${mebibytes(tableBytes)} ${mebibytes(indexBytes)}\n`);
}
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(measured, null, 2)}\n`);
