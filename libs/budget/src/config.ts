import {
  ConfigError,
  type ConfigOf,
  dataVariables,
  databaseVariables,
  type Kind,
  quote,
  variable,
} from "@quartet/service";
import { type BudgetLimits, isLimited } from "./domain/limits.ts";
import { MAX_NANOS, toDollars, toNanos } from "./domain/money.ts";
import type { Price, Prices } from "./domain/prices.ts";

/*
 * How prices are written: entries with semicolons or line breaks in between, each a model and its prices in US dollars for a million tokens.
 *
 *     gpt-4o-mini input=0.15 cached=0.075 output=0.60; text-embedding-3-small input=0.02
 */

/** A price that a typing mistake made a thousand times higher is noticed. */
const MAX_PRICE = 10_000;
const MAX_MODELS = 256;
const MAX_EXCEPTIONS = 10_000;

const modelPattern = /^[\x21-\x3a\x3c-\x7e]{1,128}$/;
const tenantPattern = /^[\p{L}\p{N}_.-]{1,64}$/u;
const amountPattern = /^\d{1,9}(\.\d{1,9})?$/;

const settings = ["input", "cached", "output"] as const;
type Setting = (typeof settings)[number];

const priceExpected = `US dollars for a million tokens, at most ${MAX_PRICE}, such as 0.15`;

const pricesKind: Kind<Prices> = {
  type: "prices, see deploy/docs/budgets.md",
  parse: (text) => {
    const mistakes: string[] = [];
    const prices = new Map<string, Price>();
    for (const entry of entriesOf(text, /[;\n]/)) {
      const [model = "", ...words] = entry.split(/\s+/);
      if (!modelPattern.test(model)) mistakes.push(`${quote(entry)} does not begin with the name of a model.`);
      else if (prices.has(model)) mistakes.push(`${quote(model)} stands there more than once. Give it one price.`);
      else
        prices.set(
          model,
          readPrice(model, words, (mistake) => mistakes.push(mistake)),
        );
    }
    if (prices.size > MAX_MODELS) mistakes.push(`has ${prices.size} models. Keep it to ${MAX_MODELS}.`);
    return mistakes.length > 0 ? { mistakes } : { value: prices };
  },
  format: (prices) => (prices.size === 0 ? "none" : [...prices].map(formatPrice).join("; ")),
};

function readPrice(model: string, words: readonly string[], report: (mistake: string) => void): Price {
  const given = new Map<Setting, number>();
  for (const word of words) {
    const [, name = word, value = ""] = /^([^=]*)=(.*)$/.exec(word) ?? [];
    const setting = settings.find((each) => each === name);
    const amount = amountPattern.test(value) ? Number(value) : NaN;
    if (setting === undefined)
      report(
        `${quote(model)} has ${quote(word)}, which is no price. Choose from ${settings.join(", ")}, as input=0.15.`,
      );
    else if (given.has(setting)) report(`${quote(model)} sets ${setting} more than once. Set it once.`);
    else if (!(amount <= MAX_PRICE)) report(`${quote(model)} has ${quote(word)}. Set it to ${priceExpected}.`);
    else given.set(setting, amount);
  }
  const input = given.get("input");
  if (input === undefined) report(`${quote(model)} has no price of its input. Add input= and ${priceExpected}.`);
  const nanosOf = (dollars: number | undefined) => toNanos(dollars ?? 0);
  return {
    inputNanos: nanosOf(input),
    cachedInputNanos: nanosOf(given.get("cached") ?? input),
    outputNanos: nanosOf(given.get("output")),
  };
}

const formatPrice = ([model, { inputNanos, cachedInputNanos, outputNanos }]: readonly [string, Price]) =>
  `${model} input=${toDollars(inputNanos)} cached=${toDollars(cachedInputNanos)} output=${toDollars(outputNanos)}`;

const exceptionsKind: Kind<ReadonlyMap<string, number>> = {
  type: "tenant=amount with commas in between",
  parse: (text) => {
    const mistakes: string[] = [];
    const found = new Map<string, number>();
    for (const entry of entriesOf(text, /[,\n]/)) {
      const [, tenant = "", amount = ""] = /^([^=]*)=(.*)$/.exec(entry) ?? [];
      const nanos = amountPattern.test(amount) ? toNanos(Number(amount)) : NaN;
      if (!tenantPattern.test(tenant) || !(nanos <= MAX_NANOS))
        mistakes.push(`${quote(entry)} is no limit. Write a tenant, = and US dollars a month, as acme=250.`);
      else if (found.has(tenant)) mistakes.push(`${quote(tenant)} stands there more than once. Give it one limit.`);
      else found.set(tenant, nanos);
    }
    if (found.size > MAX_EXCEPTIONS) mistakes.push(`has ${found.size} tenants. Keep it to ${MAX_EXCEPTIONS}.`);
    return mistakes.length > 0 ? { mistakes } : { value: found };
  },
  format: (limits) => [...limits].map(([tenant, nanos]) => `${tenant}=${toDollars(nanos)}`).join(",") || "none",
};

const entriesOf = (text: string, between: RegExp) =>
  text
    .split(between)
    .map((entry) => entry.trim())
    .filter(Boolean);

const amount = { optional: true, min: 0, max: toDollars(MAX_NANOS) } as const;

/** What models cost and what may be spent, and where it is recorded. */
export const budgetVariables = {
  prices: variable.parsed(
    "QUARTET_PRICES",
    {
      default: new Map() as Prices,
      doc: "What models cost: entries with semicolons in between, each a model and US dollars for a million tokens, as gpt-4o-mini input=0.15 cached=0.075 output=0.60. With it every answer tells its cost.",
    },
    pricesKind,
  ),
  platformBudget: variable.number("QUARTET_BUDGET_PLATFORM", {
    ...amount,
    doc: "US dollars that all tenants together may spend on models in a calendar month (UTC), such as 1000; without it, no limit.",
  }),
  tenantBudget: variable.number("QUARTET_BUDGET_TENANT", {
    ...amount,
    doc: "US dollars that each tenant may spend on models in a calendar month (UTC); without it, no limit.",
  }),
  tenantBudgets: variable.parsed(
    "QUARTET_BUDGET_TENANTS",
    {
      default: new Map() as ReadonlyMap<string, number>,
      doc: "Tenants with another limit than QUARTET_BUDGET_TENANT, as acme=250,beta=20.",
    },
    exceptionsKind,
  ),
  ...dataVariables,
  ...databaseVariables,
} as const;

export type BudgetConfig = ConfigOf<typeof budgetVariables>;

export const limitsIn = ({ platformBudget, tenantBudget, tenantBudgets }: BudgetConfig): BudgetLimits => ({
  platformNanos: platformBudget === undefined ? undefined : toNanos(platformBudget),
  tenantNanos: tenantBudget === undefined ? undefined : toNanos(tenantBudget),
  exceptions: tenantBudgets,
});

/**
 * @param models those that the service asks, and the variables that name them
 * @throws {ConfigError} where a limit is set that could not be held
 */
export function checkBudget(
  config: BudgetConfig,
  models: readonly { readonly name: string; readonly variable: string }[],
): void {
  if (models.length === 0 || !isLimited(limitsIn(config))) return;
  const mistakes = models
    .filter(({ name }) => !config.prices.has(name))
    .map(
      ({ name, variable }) =>
        `QUARTET_PRICES: has no price for ${name} (${variable}), and a budget is set. Add it, as ${name} input=0.15, or unset QUARTET_BUDGET_PLATFORM, QUARTET_BUDGET_TENANT and QUARTET_BUDGET_TENANTS.`,
    );
  if (config.databaseUrl === undefined && config.dataDir === ":memory:") {
    mistakes.push(
      "QUARTET_DATA_DIR: keeps nothing, and a budget has to remember what was spent. Set it to a folder, or set DATABASE_URL.",
    );
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes);
}
