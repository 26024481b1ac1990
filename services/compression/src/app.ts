import { CompressionService } from "@quartet/contracts/compression/v1/compression_service";
import type { ServiceModule } from "@quartet/rpc";
import { createServiceApp, type App } from "@quartet/service";
import type { Config } from "./config.ts";
import { createCompressPassages } from "./handlers/compress-passages.ts";

export { parseConfig, variables } from "./config.ts";
export type { Config } from "./config.ts";

/** The service without a process around it: what standalone mounts. It holds nothing and needs no configuration. */
export function createModule(): ServiceModule {
  const compressPassages = createCompressPassages();
  return { routes: (add) => add(CompressionService, { compressPassages }) };
}

/** The service as a process of its own, on gRPC. */
export function createApp(config: Config): App {
  return createServiceApp({ name: "compression", config, createModule });
}
