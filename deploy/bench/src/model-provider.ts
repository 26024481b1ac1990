/** The fake model provider as a process of its own: `model-provider.ts '{"tokens": 50}'`. */
import { type FakeBehaviour, startFakeProvider } from "@quartet/fake-provider";

const behaviour = JSON.parse(process.argv[2] ?? "{}") as FakeBehaviour;
const provider = await startFakeProvider(behaviour, { maxLoggedRequests: 100 });
console.log(`listening on ${new URL(provider.baseUrl).origin}`);
process.once("SIGTERM", () => void provider.close());
