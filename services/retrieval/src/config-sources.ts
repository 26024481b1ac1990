import { formatDuration, type Kind, parseDurationMs, quote } from "@quartet/service";
import type { Source, SourceKind } from "./domain/source.ts";

/*
 * How sources are written: entries with semicolons or line breaks in between, each a name, a kind and settings in any order.
 *
 *     corpus hybrid; persona hybrid collections=persona,profile weight=0.5 timeout=300ms; archive keyword collections=archive default=off
 */

const kinds: readonly SourceKind[] = ["hybrid", "keyword", "vector", "graph"];

/** As the contract lets requests name them. */
const namePattern = /^[a-z][a-z0-9_-]{0,63}$/;
const collectionPattern = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** A request can name as many. */
const maxSources = 16;
const maxCollections = 64;

const settings = {
  collections: "the names of collections, with commas in between",
  weight: "a number above 0, at most 1000",
  timeout: "a duration from 10ms to 60s",
  default: "on or off",
} as const;
type Setting = keyof typeof settings;

/** The kind of the variable that holds them. */
export const sourcesKind: Kind<readonly Source[]> = { type: "sources, see deploy/docs/search.md", parse, format };

function parse(text: string): { value: readonly Source[] } | { mistakes: readonly string[] } {
  const entries = text
    .split(/[;\n]/)
    .map((entry) => entry.trim())
    .filter(Boolean);
  const mistakes: string[] = [];
  const sources = entries.map((entry) => parseEntry(entry, (mistake) => mistakes.push(mistake)));
  const names = sources.map(({ name }) => name);
  for (const name of new Set(names.filter((each, index) => names.indexOf(each) < index))) {
    mistakes.push(`source ${quote(name)} stands there more than once. Give each a name of its own.`);
  }
  if (entries.length > maxSources) mistakes.push(`has ${entries.length} sources. Keep it to ${maxSources}.`);
  if (!sources.some(({ byDefault = true, kind }) => byDefault && kind !== "graph")) {
    mistakes.push(
      "has no source that is always asked by default. Give at least one, of a kind other than graph, no default=off.",
    );
  }
  return mistakes.length > 0 ? { mistakes } : { value: Object.freeze(sources.map((source) => Object.freeze(source))) };
}

function parseEntry(entry: string, report: (mistake: string) => void): Source {
  const [name = "", kind = "", ...words] = entry.split(/\s+/);
  const where = `source ${quote(name)}`;
  if (!namePattern.test(name)) {
    report(
      `${where} has no name that can be used. Begin with its name: a small letter, then small letters, digits, _ and -.`,
    );
  }
  const known = kinds.find((each) => each === kind);
  if (known === undefined) {
    report(
      `${where} ${kind === "" ? "has no kind" : `is of kind ${quote(kind)}, which is none`}. Choose from ${kinds.join(", ")}.`,
    );
  }
  const given: Partial<Record<Setting, string>> = {};
  for (const word of words) {
    const [, setting = word, value = ""] = /^([^=]*)=(.*)$/.exec(word) ?? [];
    if (!isSetting(setting)) {
      report(
        `${where} has ${quote(word)}, which is no setting. Choose from ${Object.keys(settings).join(", ")}, as weight=0.5.`,
      );
    } else if (given[setting] !== undefined) {
      report(`${where} sets ${setting} more than once. Set it once.`);
    } else {
      given[setting] = value;
    }
  }
  const read = <T>(setting: Setting, parseValue: (text: string) => T | undefined): T | undefined => {
    const value = given[setting];
    if (value === undefined) return undefined;
    const result = parseValue(value);
    if (result === undefined) report(`${where} has ${setting} ${quote(value)}. Set it to ${settings[setting]}.`);
    return result;
  };
  const collections = read("collections", parseCollections);
  const weight = read("weight", parseWeight);
  const timeLimitMs = read("timeout", parseTimeout);
  const byDefault = read("default", parseSwitch);
  return {
    name,
    kind: known ?? "hybrid",
    ...(collections && { collections }),
    ...(weight !== undefined && { weight }),
    ...(timeLimitMs !== undefined && { timeLimitMs }),
    ...(byDefault !== undefined && { byDefault }),
  };
}

const isSetting = (text: string): text is Setting => Object.hasOwn(settings, text);

function parseCollections(text: string): readonly string[] | undefined {
  const names = [...new Set(text.split(",").filter(Boolean))];
  const isUsable = names.length > 0 && names.length <= maxCollections;
  return isUsable && names.every((name) => collectionPattern.test(name)) ? Object.freeze(names.sort()) : undefined;
}

function parseWeight(text: string): number | undefined {
  const weight = /^\d{1,4}(\.\d{1,6})?$/.test(text) ? Number(text) : 0;
  return weight > 0 && weight <= 1000 ? weight : undefined;
}

function parseTimeout(text: string): number | undefined {
  const limitMs = parseDurationMs(text);
  return limitMs !== undefined && limitMs >= 10 && limitMs <= 60_000 ? limitMs : undefined;
}

const switches: Readonly<Record<string, boolean>> = { on: true, off: false };

const parseSwitch = (text: string): boolean | undefined => (Object.hasOwn(switches, text) ? switches[text] : undefined);

/** As an operator would write it. */
function format(sources: readonly Source[]): string {
  return sources
    .map(({ name, kind, collections, weight, timeLimitMs, byDefault }) =>
      [
        name,
        kind,
        ...(collections ? [`collections=${collections.join(",")}`] : []),
        ...(weight === undefined ? [] : [`weight=${weight}`]),
        ...(timeLimitMs === undefined ? [] : [`timeout=${formatDuration(timeLimitMs)}`]),
        ...(byDefault === undefined ? [] : [`default=${byDefault ? "on" : "off"}`]),
      ].join(" "),
    )
    .join("; ");
}
