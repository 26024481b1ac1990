/** How a check of `quartet doctor` came out. */
export type CheckStatus = "ok" | "warn" | "fail";

export interface Check {
  /** What was looked at, in one word or two. */
  readonly name: string;
  readonly status: CheckStatus;
  /** What was found. */
  readonly finding: string;
  /** What to do; empty when all is well. */
  readonly advice: string;
}

export const ok = (name: string, finding: string): Check => ({ name, status: "ok", finding, advice: "" });

export const warn = (name: string, finding: string, advice: string): Check => ({
  name,
  status: "warn",
  finding,
  advice,
});

export const fail = (name: string, finding: string, advice: string): Check => ({
  name,
  status: "fail",
  finding,
  advice,
});
