import { expect, it } from "@jest/globals";
import type { Config } from "../config.ts";
import { runOperatorCommand } from "./operator-process.ts";

it("an operator's command that is interrupted is none that failed", async () => {
  const interrupted = new AbortController();
  const config = { environment: {} } as Config;
  const running = runOperatorCommand({ config, signal: interrupted.signal }, "models", ["list"]);
  interrupted.abort(new Error("interrupted"));
  await expect(running).rejects.toThrow("interrupted");
});
