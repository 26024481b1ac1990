import { accessSync, constants, existsSync, readFileSync, readdirSync, realpathSync } from "node:fs";
import path from "node:path";

const wantedMajor = 21;

/**
 * A JDK new enough for Elasticsearch: JAVA_HOME, what `java` on the PATH belongs to, or one that lies beside that.
 * @returns {string | undefined} its folder
 */
export function findJdk() {
  const onPath = (process.env.PATH ?? "")
    .split(path.delimiter)
    .map((folder) => path.join(folder, "java"))
    .find((file) => isExecutable(file));
  const own = onPath && path.dirname(path.dirname(realpathSync(onPath)));
  const siblings = own ? readdirSync(path.dirname(own)).map((name) => path.join(path.dirname(own), name)) : [];
  return [process.env.JAVA_HOME, own, ...siblings].find(
    (home) => home && majorOf(home) >= wantedMajor && isExecutable(path.join(home, "bin", "javac")),
  );
}

/** @returns {string[]} what to install before Elasticsearch can run */
export const missingJdk = () =>
  findJdk()
    ? []
    : [
        `A JDK of version ${wantedMajor} or newer is missing: install one, such as Temurin 25, and set JAVA_HOME to its folder.`,
      ];

function majorOf(home) {
  const release = path.join(home, "release");
  return existsSync(release) ? Number(/^JAVA_VERSION="(\d+)/m.exec(readFileSync(release, "utf8"))?.[1] ?? 0) : 0;
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
