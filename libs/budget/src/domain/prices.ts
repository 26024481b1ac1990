import { MAX_NANOS } from "./money.ts";

/** What a model costs, in billionths of a dollar for a million tokens. */
export interface Price {
  readonly inputNanos: number;
  /** Of input that the provider had read before and charges less for. */
  readonly cachedInputNanos: number;
  readonly outputNanos: number;
}

/** Prices by model, as the provider names it. */
export type Prices = ReadonlyMap<string, Price>;

/** What a call took. */
export interface Tokens {
  /** Cached ones included. */
  readonly inputTokens: number;
  /** Default: 0. */
  readonly cachedInputTokens?: number;
  /** Default: 0. */
  readonly outputTokens?: number;
}

const MILLION = 1_000_000n;
/**
 * A provider may tell any number; more than this, some ten times the longest context of today, is no count of one call. What is believed of a
 * lie is spent: a month's budget should outlast it.
 */
const MAX_TOKENS = 2 ** 27;

/** A count as it may be added up and kept, whatever a provider told. */
export const wholeTokens = (count: number): number =>
  Number.isNaN(count) ? 0 : Math.min(MAX_TOKENS, Math.max(0, Math.ceil(count)));

const whole = (count: number): bigint => BigInt(wholeTokens(count));

/** Billionths of a dollar, rounded up; never above MAX_NANOS. */
export function costOf(
  { inputNanos, cachedInputNanos, outputNanos }: Price,
  { inputTokens, cachedInputTokens = 0, outputTokens = 0 }: Tokens,
): number {
  const input = whole(inputTokens);
  const told = whole(cachedInputTokens);
  const cached = told < input ? told : input;
  const total =
    (input - cached) * BigInt(inputNanos) +
    cached * BigInt(cachedInputNanos) +
    whole(outputTokens) * BigInt(outputNanos);
  return Math.min(MAX_NANOS, Number((total + MILLION - 1n) / MILLION));
}

/** The most that a call can cost: no token of its input may be a cached one, unless those are dearer. */
export function mostOf(price: Price, tokens: Pick<Tokens, "inputTokens" | "outputTokens">): number {
  const inputNanos = Math.max(price.inputNanos, price.cachedInputNanos);
  return costOf({ ...price, inputNanos }, tokens);
}

/**
 * The most tokens that a text can have: a byte of UTF-8 is the least that any tokenizer in use makes a token of. A rough mean would be a
 * third of it; a limit that is held by means is not held.
 */
export const mostTokens = (text: string): number => Buffer.byteLength(text);
