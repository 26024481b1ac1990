import { setInterval } from "node:timers/promises";
import {
  type FakeFigures,
  type FakeProvider,
  type FakeProviderFlags,
  openFakeProvider,
} from "../adapters/fake-provider.ts";
import type { Terminal } from "../adapters/terminal.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";

const FIGURES_EVERY_MS = 5_000;

/** `quartet fake-provider`: an OpenAI-compatible server that costs nothing, until Ctrl-C. */
export async function fakeProvider({ terminal, signal, json }: Context, flags: FakeProviderFlags): Promise<ExitCode> {
  const provider = await openFakeProvider(flags).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    terminal.problem(
      `${flags.host}:${flags.port} cannot be listened on (${code}); choose another with --port, or none for a free one.`,
    );
    return undefined;
  });
  if (!provider) return exitCodes.failure;
  try {
    if (json) terminal.jsonLine({ event: "started", ...urlsOf(provider) });
    else introduce(provider, flags, terminal);
    await showFigures(provider, terminal, { signal, json });
    if (json) terminal.jsonLine({ event: "ended", ...provider.figures() });
    else terminal.line(`${figuresLine(provider.figures(), 0)} in all`);
    return exitCodes.ok;
  } finally {
    await provider.close();
  }
}

const urlsOf = ({ baseUrl, controlUrl }: FakeProvider) => ({ baseUrl, controlUrl });

function introduce({ baseUrl, controlUrl }: FakeProvider, { key, fault }: FakeProviderFlags, terminal: Terminal): void {
  const keys = key.length === 0 ? "OPENAI_API_KEY=any" : "OPENAI_API_KEY_1=<one of the keys given>";
  terminal.line(
    `A fake model provider answers at ${terminal.bold(baseUrl)}. It costs nothing and knows nothing. Ctrl-C ends it.`,
  );
  terminal.line();
  terminal.line("Point Quartet at it:");
  terminal.line(`  OPENAI_BASE_URL=${baseUrl} ${keys} npm start`);
  terminal.line("Switch a fault on and off again while it runs:");
  terminal.line(`  curl -X POST ${controlUrl}/behaviour -d '{"fault": "a9"}'`);
  terminal.line(`  curl -X DELETE ${controlUrl}/behaviour`);
  terminal.line(`Faults are listed at ${controlUrl}/faults, what arrived at ${controlUrl}/requests.`);
  if (fault.length > 0) terminal.line(`Faults that are on: ${fault.join(", ")}.`);
  terminal.line();
}

/** A line every few seconds in which something was asked, until the signal. */
async function showFigures(
  provider: FakeProvider,
  terminal: Terminal,
  { signal, json }: Pick<Context, "signal" | "json">,
): Promise<void> {
  let before = 0;
  try {
    for await (const _ of setInterval(FIGURES_EVERY_MS, undefined, { signal })) {
      const figures = provider.figures();
      const since = figures.calls - before;
      before = figures.calls;
      if (since === 0 && figures.inFlight === 0) continue;
      if (json) terminal.jsonLine({ event: "figures", ...figures });
      else terminal.line(figuresLine(figures, since / (FIGURES_EVERY_MS / 1_000)));
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function figuresLine(
  { calls, refused, cut, inFlight, inputTokens, outputTokens }: FakeFigures,
  perSecond: number,
): string {
  const refusals = Object.entries(refused).map(([status, times]) => `${number(times)} with ${status}`);
  return [
    `${number(calls)} calls${perSecond > 0 ? ` (${perSecond.toFixed(1)}/s)` : ""}`,
    ...(inFlight > 0 ? [`${number(inFlight)} in flight`] : []),
    refusals.length > 0 ? `refused ${refusals.join(", ")}` : "none refused",
    ...(cut > 0 ? [`${number(cut)} left early or cut`] : []),
    `tokens ${number(inputTokens)} in, ${number(outputTokens)} out`,
  ].join("; ");
}

const number = (value: number): string => value.toLocaleString("en");
