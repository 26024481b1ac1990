import { type Collection, QuartetError } from "@quartet/client";
import { isPortFree, probeServer } from "../adapters/probe-server.ts";
import { listCollections } from "../adapters/wait-until-searchable.ts";
import type { Context } from "../context.ts";
import { type Check, fail, ok, warn } from "../domain/check.ts";

/** More than this, and deadlines and times of documents are off. */
const maxSkewMs = 5_000;

/** Before this, a machine's clock was never set. */
const earliestSaneTime = Date.UTC(2025, 0, 1);

/** The server, its clock beside ours, and its collections; or, where none runs, whether one could listen. */
export async function checkServer(context: Context): Promise<Check[]> {
  const { server, signal } = context;
  const probe = await probeServer(server, signal);
  if (!probe) return [await checkPort(context), checkClock(undefined)];
  const state = probe.ready
    ? ok("server", `${server} is ready`)
    : warn(
        "server",
        `${server} answers, but is not ready`,
        "Wait for it to start or to drain; its log says what is missing.",
      );
  return [state, checkClock(probe.skewMs), ...(await checkCollections(context))];
}

async function checkPort({ server, serverGiven, config }: Context): Promise<Check> {
  const name = "server";
  if (serverGiven || config.environment["QUARTET_SERVER"]) {
    return fail(name, `nothing answers at ${server}`, "Start it, or correct --server or QUARTET_SERVER.");
  }
  if (config.port !== 0 && !(await isPortFree(config.port))) {
    const advice = "Stop that program, or set QUARTET_PORT to another port.";
    return fail(name, `port ${config.port} is taken by another program`, advice);
  }
  return warn(name, `none runs at ${server}; port ${config.port} is free`, "Start one with `npm start`.");
}

function checkClock(skewMs: number | undefined): Check {
  const now = new Date();
  if (now.getTime() < earliestSaneTime) return fail("clock", now.toISOString(), "Set this machine's clock.");
  if (skewMs === undefined) return ok("clock", now.toISOString());
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  if (Math.abs(skewMs) <= maxSkewMs) return ok("clock", `${now.toISOString()}, as the server's`);
  const side = skewMs > 0 ? "ahead of" : "behind";
  return warn(
    "clock",
    `the server is ${seconds} s ${side} this machine`,
    "Let both take the time from one source (NTP).",
  );
}

async function checkCollections(context: Context): Promise<Check[]> {
  try {
    const collections = await listCollections(context.client(), context.signal);
    if (collections.length === 0) return [ok("collections", "none yet; put documents with `quartet index PATH`")];
    return collections.map(checkCollection);
  } catch (error) {
    if (!(error instanceof QuartetError)) throw error;
    const isTokenMissing = error.code === "unauthenticated" || error.code === "permission_denied";
    const advice = isTokenMissing
      ? "Set QUARTET_TOKEN to an access token with the role read."
      : "See the server's log; is this address a Quartet server's?";
    return [fail("collections", error.message, advice)];
  }
}

/** Whether a collection's keywords and vectors are up to date, and in one space. */
function checkCollection(collection: Collection): Check {
  const { state, passageCount, activeSpace, activeVectorCount, buildingSpace, buildingVectorCount } = collection;
  const { activeRefusedCount } = collection;
  const name = `collection ${state?.collection ?? ""}`;
  const size = `${collection.documentCount} documents, ${passageCount} passages`;
  if (buildingSpace) {
    const progress = `${buildingVectorCount} of ${passageCount} vectors of ${nameOf(buildingSpace)} are built`;
    const advice = activeSpace
      ? `Wait: until then ${nameOf(activeSpace)} is searched where its embedder is configured, else keywords alone.`
      : "Wait: until then keywords alone are searched.";
    return warn(name, `${size}; ${progress}`, advice);
  }
  if (passageCount > 0n && !activeSpace) {
    return warn(name, `${size}, no vectors`, "Wait, or see the server's log for why embedding fails.");
  }
  const missing = passageCount - activeVectorCount - activeRefusedCount;
  if (missing > 0n) {
    return warn(name, `${size}; ${missing} without a vector`, "Wait, or see the server's log for why embedding fails.");
  }
  if (state && state.projectedSeq < state.recordSeq) {
    return warn(name, `${size}; the keyword index lags behind`, "Wait, or see the server's log.");
  }
  if (activeRefusedCount > 0n) {
    const refused = `${activeRefusedCount} passages are refused by the embedder: keywords alone find them`;
    return warn(
      name,
      `${size}; ${refused}`,
      "See the gateway's log for why. `quartet reindex --retry-refused` tries them again, as does another embedder or a changed document.",
    );
  }
  return ok(name, `${size}, vectors of ${activeSpace ? nameOf(activeSpace) : "no space"}`);
}

const nameOf = ({ model, dimensions }: { model: string; dimensions: number }): string =>
  `${model || "a space without a name"} (${dimensions} dimensions)`;
