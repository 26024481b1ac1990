import { spawnSync } from "node:child_process";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, it } from "@jest/globals";
import { createLogger } from "./index.ts";
import { TogetherWritten } from "./log-lines.ts";

function opened() {
  const written: string[][] = [];
  const output = {
    write: (text: string) =>
      void written.push(
        text
          .trimEnd()
          .split("\n")
          .map((line) => (JSON.parse(line) as { msg: string }).msg),
      ),
  };
  return {
    written,
    log: createLogger({ service: "gateway", level: "debug", destination: new TogetherWritten(output) }),
  };
}

it("writes the lines of a turn of the event loop together, at its end", async () => {
  const { written, log } = opened();
  log.info({}, "a");
  log.child({ requestId: "r1" }).debug({}, "b");
  expect(written).toEqual([]);
  await nextTurn();
  expect(written).toEqual([["a", "b"]]);
  log.info({}, "c");
  await nextTurn();
  expect(written).toEqual([["a", "b"], ["c"]]);
});

it.each(["warn", "error", "fatal"] as const)(
  "writes what is at level %s at once, behind what was before it",
  async (level) => {
    const { written, log } = opened();
    log.info({}, "a");
    log[level]({}, "b");
    expect(written).toEqual([["a", "b"]]);
    await nextTurn();
    expect(written).toEqual([["a", "b"]]);
  },
);

it("lets no more wait than a bound", () => {
  const { written, log } = opened();
  for (let line = 0; line < 100; line += 1) log.info({ text: "가".repeat(1_000) }, `${line}`);
  expect(written.length).toBeGreaterThanOrEqual(5);
});

it.each(["process.exit(3)", "throw new Error('boom')"])("has written all where a process ends by %s", (end) => {
  const logger = new URL("logger.ts", import.meta.url).href;
  const program = `import { createLogger } from ${JSON.stringify(logger)};
    createLogger({ service: "a" }).info({}, "one");
    const log = createLogger({ service: "b" });
    log.info({}, "two");
    process.on("exit", () => log.info({}, "three"));
    ${end};`;
  const flags = ["--disable-warning=ExperimentalWarning", "--input-type=module-typescript"];
  const { stderr, status } = spawnSync(process.execPath, [...flags, "-e", program], { encoding: "utf8", env: {} });
  expect(status).toBeGreaterThan(0);
  expect(stderr).toMatch(/"one".*\n.*"two".*\n[^]*"three"/);
});
