import { readFileSync } from "node:fs";
import path from "node:path";
import { variables as compression } from "@quartet/compression-service";
import { variables as embedding } from "@quartet/embedding-service";
import { variables as gateway } from "@quartet/gateway-service";
import { variables as generation } from "@quartet/generation-service";
import { variables as retrieval } from "@quartet/retrieval-service";
import { configurationTable } from "@quartet/service";
import { variables as standalone } from "@quartet/standalone-service";
import { root } from "./processes.ts";

export const readme = path.join(root, "README.md");

const begin = "<!-- configuration:begin, written by `npm run docs` -->";
const end = "<!-- configuration:end -->";

/** The README with the table of variables that the services read now. */
export function readmeWithConfiguration(): string {
  const text = readFileSync(readme, "utf8");
  const [before, rest] = [text.slice(0, text.indexOf(begin)), text.slice(text.indexOf(end))];
  const table = configurationTable([gateway, embedding, retrieval, compression, generation, standalone]);
  return `${before}${begin}\n<!-- prettier-ignore-start -->\n\n${table}\n<!-- prettier-ignore-end -->\n${rest}`;
}
