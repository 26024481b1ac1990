import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";

/** A server that speaks as much of Redis' protocol as a test needs, and fails as told. */
export interface FakeRedis extends AsyncDisposable {
  readonly url: string;
  /** Every command so far, its name in capitals. */
  readonly commands: readonly (readonly string[])[];
  connections: number;
  /** How a command is answered: a whole reply such as `-OOM not now`, or undefined for the usual. */
  answer: (name: string) => string | undefined;
}

const USUAL: Readonly<Record<string, string>> = {
  PING: "+PONG",
  INFO: "$9\r\nloading:0",
  GETRANGE: "$0\r\n",
  PTTL: ":-2",
};

export async function startFakeRedis(): Promise<FakeRedis> {
  const commands: string[][] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    fake.connections += 1;
    sockets.add(socket);
    let text = "";
    socket.setEncoding("latin1").on("error", () => socket.destroy());
    socket.on("data", (piece) => {
      text += String(piece);
      for (let read = readCommand(text); read !== undefined; read = readCommand(text)) {
        text = text.slice(read.length);
        const name = read.parts[0]!.toUpperCase();
        commands.push([name, ...read.parts.slice(1)]);
        socket.write(`${fake.answer(name) ?? USUAL[name] ?? "+OK"}\r\n`);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const fake: FakeRedis = {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    commands,
    connections: 0,
    answer: () => undefined,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return fake;
}

/** The first whole command of the text: an array of bulk strings. */
function readCommand(text: string): { readonly parts: readonly string[]; readonly length: number } | undefined {
  const head = /^\*(\d+)\r\n/.exec(text);
  if (head === null) return undefined;
  let at = head[0].length;
  const parts: string[] = [];
  for (let left = Number(head[1]); left > 0; left--) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(at, at + 20));
    if (size === null) return undefined;
    const begin = at + size[0].length;
    at = begin + Number(size[1]) + 2;
    if (text.length < at) return undefined;
    parts.push(text.slice(begin, at - 2));
  }
  return { parts, length: at };
}
