import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/**
 * Lint, format, breaking changes since the last release, and generated code that matches.
 * @param {(title: string, command: string, ...args: string[]) => Promise<boolean>} tool runs one check
 * @returns {Promise<boolean[]>} whether each held
 */
export async function checkContracts(tool) {
  const folder = mkdtempSync(path.join(tmpdir(), "quartet-contracts-"));
  const image = path.join(folder, "contracts.binpb");
  // buf joins the plugin's own relative path, ../libs/contracts/src/gen, to the folder it is given.
  const outputRoot = path.join(folder, "proto");
  const generated = path.join(folder, "libs", "contracts", "src", "gen");
  try {
    return [
      await tool("contracts: lint", "buf", "lint", "proto"),
      await tool("contracts: format", "buf", "format", "--diff", "--exit-code", "--path", "proto/quartet", "proto"),
      (await tool(
        "contracts: build",
        "buf",
        "build",
        "proto",
        "--exclude-source-info",
        "--path",
        "proto/quartet",
        "-o",
        image,
      )) && (await tool("contracts: breaking", "buf", "breaking", image, "--against", "proto/released.binpb")),
      (await tool("contracts: generate", "sh", "-c", 'cd proto && buf generate -o "$1"', "sh", outputRoot)) &&
        (await tool(
          "contracts: generated code is current",
          "sh",
          "-c",
          'diff -r "$1" libs/contracts/src/gen',
          "sh",
          generated,
        )),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
