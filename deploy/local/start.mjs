/**
 * `npm start`: from a fresh clone to a cited answer. Installs what is missing, starts everything in one process, fills an empty store with the
 * project's own guide, asks a first question, and stays up until Ctrl-C.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { ensureInstalled, nodePath, root, run, sourceFlags, toolEnvironment } from "./install.mjs";

const questions = ["How much time does a call without a deadline get?", "문서에 답이 없으면 어떻게 되나요?"];

try {
  await ensureInstalled();
  process.exitCode = await main();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

async function main() {
  const server = spawn(nodePath(), [...sourceFlags, path.join(root, "services/standalone/src/main.ts")], {
    // A person reads this terminal: a line for every call would bury the answer. QUARTET_LOG_LEVEL=info shows them.
    env: toolEnvironment({ QUARTET_LOG_LEVEL: process.env.QUARTET_LOG_LEVEL || "warn" }),
    stdio: ["ignore", "pipe", "inherit"],
  });
  // Ctrl-C reaches the server through the terminal and through us; it takes the two for one.
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => server.kill(signal));
  const ended = once(server, "exit").then(([code]) => code ?? 1);
  const url = await Promise.race([listening(server), ended.then(() => undefined)]);
  if (url !== undefined) await welcome(url, ended).catch((error) => console.error(error.message));
  return await ended;
}

/** The address, from the line in which the server says that it is up. */
async function listening(server) {
  let url;
  for await (const line of createInterface({ input: server.stdout })) {
    console.log(line);
    url = /listening on (http:\S+)/.exec(line)?.[1];
    if (url) break;
  }
  // Leaving the loop stops the reading, and a server whose output nobody reads stops when the pipe is full.
  server.stdout.resume();
  return url;
}

async function welcome(url, ended) {
  let over = false;
  void ended.then(() => (over = true));
  const quartet = async (...args) => {
    if (over) return;
    await run(nodePath(), [...sourceFlags, path.join(root, "services/cli/src/main.ts"), ...args, "--server", url], {
      env: toolEnvironment(),
      stdio: ["ignore", 1, 2],
    });
  };
  if (await isEmpty(url)) await quartet("index", "deploy/docs/guide", "--collection", "guide", "--wait");
  for (const question of questions) {
    if (over) return;
    console.log(`\n> npx quartet ask "${question}"\n`);
    await quartet("ask", question);
  }
  if (!over) console.log(nextSteps(url));
}

async function isEmpty(url) {
  const response = await fetch(`${url}/quartet.gateway.v1.DocumentService/ListCollections`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) throw new Error(`The server answered ${response.status} when asked for its collections.`);
  const { collections } = await response.json();
  return !collections?.length;
}

function nextSteps(url) {
  return `
Quartet is up on ${url}. Next:
  npx quartet index PATH          put your own .txt, .md and .jsonl files
  npx quartet ask "QUESTION"      ask them
  OPENAI_API_KEY=... npm start    let a model write the answers
  npm run services start          the same as five processes over gRPC
Ctrl-C stops it; the data stays in ${process.env.QUARTET_DATA_DIR || ".quartet"}.`;
}
