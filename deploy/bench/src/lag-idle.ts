/** Does nothing: how late its event loop is, is the machine's doing. */
process.stdout.write("listening on http://nobody\n");
const timer = setInterval(() => {}, 1_000);
process.once("SIGTERM", () => clearInterval(timer));
