import type { IncomingMessage, ServerResponse } from "node:http";
import { readChange, WrongChangeError } from "./behaviour-json.ts";
import { faults } from "./faults.ts";
import type { FakeRequest } from "./fake-request.ts";
import type { FigureKeeper } from "./figures.ts";
import { providerErrors } from "./provider-errors.ts";
import { readBody } from "./read-body.ts";
import type { RequestLog } from "./request-log.ts";
import { sendError, sendJson } from "./response.ts";
import type { Settings } from "./settings.ts";

/** Everything under this path is about the fake itself, which no provider has. */
export const CONTROL_PATH = "/_fake";

export interface ControlOptions {
  readonly settings: Settings;
  readonly log: RequestLog;
  readonly figures: FigureKeeper;
}

const MAX_BODY_BYTES = 1024 ** 2;
const MAX_SHOWN = 1_000;
const DEFAULT_SHOWN = 100;

/**
 * How a test or a person changes what the provider does, and sees what it got, over HTTP. Keys have their labels there, never their values.
 *
 *     GET    /_fake/behaviour           what is in force
 *     POST   /_fake/behaviour           changes it: {"fault": "a9"}, {"delayMs": 200, "key": "key-1"}, {"error": "server_error", "next": 3}
 *     DELETE /_fake/behaviour           as at the start
 *     GET    /_fake/faults              faults by name
 *     GET    /_fake/requests?limit=100  the newest requests, and with bodies=true what they sent
 *     DELETE /_fake/requests            forgets them, and the figures
 *     GET    /_fake/figures             calls, refusals and tokens, in all and by key
 */
export async function answerControl(
  incoming: IncomingMessage,
  response: ServerResponse,
  url: URL,
  { settings, log, figures }: ControlOptions,
): Promise<void> {
  const { method } = incoming;
  const path = url.pathname.slice(CONTROL_PATH.length);
  const shows: Readonly<Record<string, () => object>> = {
    "GET /behaviour": () => settings.describe(),
    "DELETE /behaviour": () => {
      settings.reset();
      return settings.describe();
    },
    "GET /faults": () => Object.fromEntries(Object.entries(faults).map(([name, { title }]) => [name, title])),
    "GET /requests": () => ({ requests: newest(log.entries, url.searchParams) }),
    "DELETE /requests": () => {
      log.clear();
      figures.clear();
      return { requests: [] };
    },
    "GET /figures": () => figures.read(),
  };
  const show = shows[`${method} ${path}`];
  if (show) return sendJson(response, 200, show());
  if (`${method} ${path}` !== "POST /behaviour") {
    const known = ["POST /behaviour", ...Object.keys(shows)].map((each) => each.replace(" ", ` ${CONTROL_PATH}`));
    return sendError(
      response,
      providerErrors.notFound(`There is no ${method} ${url.pathname}; there are ${known.join(", ")}.`),
    );
  }
  const { value } = await readBody(incoming, MAX_BODY_BYTES);
  try {
    change(settings, value);
    sendJson(response, 200, settings.describe());
  } catch (error) {
    if (!(error instanceof WrongChangeError)) throw error;
    sendError(response, providerErrors.badRequest(error.message));
  }
}

function change(settings: Settings, json: unknown): void {
  const { faults: names, key, next, changes } = readChange(json);
  const given = Object.assign({}, ...names.map((name) => faults[name].behaviour), changes) as typeof changes;
  if (next !== undefined) {
    const behaviour = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    return settings.next(Array.from({ length: next }, () => behaviour));
  }
  if (key !== undefined) return settings.setForKey(key, given);
  settings.start(names);
  settings.set(changes);
}

function newest(entries: readonly FakeRequest[], query: URLSearchParams): readonly object[] {
  const limit = Math.min(Number(query.get("limit")) || DEFAULT_SHOWN, MAX_SHOWN);
  return entries.slice(-limit).map((request) => describe(request, query.get("bodies") === "true"));
}

/** A request as others may see it: without its headers, which hold the key. */
function describe(request: FakeRequest, withBody: boolean): object {
  const {
    number,
    method,
    path,
    label,
    at,
    closedAt,
    body,
    headers: _headers,
    key: _key,
    closed: _closed,
    ...rest
  } = request;
  const receivedAt = new Date(performance.timeOrigin + at).toISOString();
  const elapsedMs = closedAt === undefined ? null : Math.round(closedAt - at);
  const model = (body as { readonly model?: unknown } | null | undefined)?.model;
  return { number, method, path, key: label, model, receivedAt, elapsedMs, ...rest, ...(withBody ? { body } : {}) };
}
