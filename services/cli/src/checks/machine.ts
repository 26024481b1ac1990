import { freemem, totalmem } from "node:os";
import { type Check, fail, ok, warn } from "../domain/check.ts";

const leastMajor = 24;
const mebibyte = 1024 * 1024;

/** Less free memory than this, and a few thousand passages crowd the machine. */
const scarceMiB = 512;

/** Node, its Korean, and memory. */
export function checkMachine(): Check[] {
  return [checkNode(), checkSegmenter(), checkMemory()];
}

function checkNode(): Check {
  const { node, sqlite } = process.versions;
  const found = `Node ${node}, SQLite ${sqlite ?? "none"}, ${process.platform}-${process.arch}`;
  if (Number(node.split(".")[0]) >= leastMajor) return ok("node", found);
  return fail("node", found, "Run `npm install` and start through `npx quartet` or `npm start`; they use Node 24.");
}

function checkSegmenter(): Check {
  const locales = Intl.Segmenter.supportedLocalesOf(["ko", "en"]);
  if (locales.length === 2) return ok("languages", "sentences and characters of Korean and English are known");
  return fail("languages", "this Node is built without full ICU", "Use the Node 24 that `npm install` brings.");
}

function checkMemory(): Check {
  const available = process.availableMemory?.() ?? freemem();
  const found = `${Math.round(available / mebibyte)} MiB of ${Math.round(totalmem() / mebibyte)} MiB available`;
  if (available >= scarceMiB * mebibyte) return ok("memory", found);
  return warn("memory", found, "Close other programs, or give the machine or container more memory.");
}
