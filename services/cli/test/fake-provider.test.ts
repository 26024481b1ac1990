import { describe, expect, it } from "@jest/globals";
import { until } from "@quartet/testing";
import { runQuartet, startQuartet } from "./run-quartet.ts";

const body = JSON.stringify({ model: "m", messages: [{ role: "user", content: "?" }] });

/** Starts it, and waits until it has said what there is to say at the start. */
async function start(...args: string[]) {
  const { child, output, ended } = startQuartet(["fake-provider", ...args]);
  await until(() => /"started".*\n|\n\n$/.test(output.stdout));
  const call = async (baseUrl: string, key: string) => {
    const headers = { authorization: `Bearer ${key}` };
    const response = await fetch(`${baseUrl}/chat/completions`, { method: "POST", headers, body });
    return { status: response.status, text: await response.text() };
  };
  const interrupt = () => {
    child.kill("SIGINT");
    return ended;
  };
  return { output, call, interrupt };
}

describe("quartet fake-provider", () => {
  it("answers, limits keys, takes faults while it runs, and ends with Ctrl-C", async () => {
    const given = ["--key", "blue=canary-1", "--key", "canary-2==", "--requests-per-minute", "3", "--tokens", "7"];
    const { output, call, interrupt } = await start("--json", ...given);
    const { baseUrl, controlUrl } = JSON.parse(output.stdout) as { baseUrl: string; controlUrl: string };
    const answered = await call(baseUrl, "canary-1");
    expect([answered.status, answered.text]).toEqual([200, expect.stringContaining('"completion_tokens":7')]);
    await fetch(`${controlUrl}/behaviour`, { method: "POST", body: '{"fault": "a3"}' });
    expect((await call(baseUrl, "canary-1")).text).toContain("insufficient_quota");
    expect((await call(baseUrl, "canary-2==")).status).toBe(200);
    await fetch(`${controlUrl}/behaviour`, { method: "DELETE" });
    expect([(await call(baseUrl, "canary-1")).status, (await call(baseUrl, "canary-1")).status]).toEqual([200, 429]);
    const { code, stdout, stderr } = await interrupt();
    const ended = JSON.parse(stdout.trim().split("\n").at(-1)!) as unknown;
    expect(ended).toMatchObject({
      event: "ended",
      calls: 5,
      refused: { "429": 2 },
      keys: { blue: { calls: 4 }, "key-2": {} },
    });
    expect([code, stderr, stdout.includes("canary")]).toEqual([0, "", false]);
  });

  it("says how to point Quartet at it, and in the end what there was", async () => {
    const { output, call, interrupt } = await start("--fault", "a14");
    const [, baseUrl = ""] = /OPENAI_BASE_URL=(\S+) OPENAI_API_KEY=any npm start/.exec(output.stdout) ?? [];
    expect((await call(baseUrl, "any")).text).toContain("<!doctype html>");
    const { code, stdout } = await interrupt();
    expect(code).toBe(0);
    expect(stdout).toContain("Faults that are on: a14.");
    expect(stdout).toMatch(/\n1 calls; none refused; tokens 0 in, 0 out in all\n$/);
  });

  it.each([
    [["--fault", "b1"], "Choose from a1, a2"],
    [["--token-delay", "20"], "such as 200ms or 2s"],
    [["--jitter", "2"], "a number from 0 to 1"],
  ])("does not start with %j", async (args, message) => {
    const { code, stderr } = await runQuartet(["fake-provider", ...args]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  it("says when the port is taken", async () => {
    const { output, interrupt } = await start("--json");
    const { port } = new URL((JSON.parse(output.stdout) as { baseUrl: string }).baseUrl);
    const { code, stderr } = await runQuartet(["fake-provider", "--port", port]);
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(`127.0.0.1:${port} cannot be listened on (EADDRINUSE)`),
    ]);
    await interrupt();
  });
});
