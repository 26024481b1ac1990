import { createServer, connect, type AddressInfo, type Socket } from "node:net";
import { createGrpcTransport, createRpcServer, type GrpcTransport, type RpcServer, type Routes } from "@quartet/rpc";
import type { Transports } from "../src/hops/hops.ts";

type Name = keyof Transports;

const names: readonly Name[] = ["embedding", "retrieval", "compression", "generation"];

/** One inner service on a port of its own, behind a wire that can be cut. */
interface Process {
  readonly transport: GrpcTransport;
  /** As a process that is killed, or a cable that is pulled: every connection breaks, and none is taken any more. */
  cut(): void;
  /** As when it is back. */
  mend(): void;
  close(): Promise<void>;
}

/** The inner services as processes would host them: each with a server of its own, called over gRPC. */
export function createProcesses() {
  const processes = new Map<Name, Process>();
  return {
    async reach(routes: Routes): Promise<Transports> {
      const open = async (name: Name) => {
        const own: Routes = (add) =>
          routes((service, handlers) => service.typeName.startsWith(`quartet.${name}.`) && add(service, handlers));
        processes.set(name, await openProcess(own));
      };
      await Promise.all(names.map(open));
      const transportOf = (name: Name) => processes.get(name)!.transport;
      return {
        embedding: transportOf("embedding"),
        retrieval: transportOf("retrieval"),
        compression: transportOf("compression"),
        generation: transportOf("generation"),
      };
    },
    cut: (name: Name) => processes.get(name)!.cut(),
    mend: (name: Name) => processes.get(name)!.mend(),
    async [Symbol.asyncDispose]() {
      await Promise.all([...processes.values()].map((each) => each.close()));
    },
  };
}

async function openProcess(routes: Routes): Promise<Process> {
  const server: RpcServer = createRpcServer().mount(routes);
  const { port: serverPort } = await server.listen({ port: 0 });
  const sockets = new Set<Socket>();
  let isCut = false;
  const wire = createServer((near) => {
    const far = connect(serverPort, "127.0.0.1");
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      socket.once("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    if (isCut) return void near.destroy();
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => wire.listen(0, "127.0.0.1", resolve));
  const { port } = wire.address() as AddressInfo;
  const transport = createGrpcTransport({ target: `127.0.0.1:${port}` });
  return {
    transport,
    cut() {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    mend: () => void (isCut = false),
    async close() {
      transport.close();
      await server.drain({ limitMs: 1_000 });
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => wire.close(resolve));
    },
  };
}
