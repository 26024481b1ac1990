/** One server-sent event, of what model providers use of it. */
export interface ServerSentEvent {
  /** Empty when it has no name. */
  readonly event: string;
  /** Its lines, joined by line feeds. */
  readonly data: string;
  /** False for one at the very end without its blank line: it may be cut off, or the provider leaves the line out. */
  readonly isWhole: boolean;
}

/**
 * Reads server-sent events, as https://html.spec.whatwg.org/multipage/server-sent-events.html says: lines end in LF, CR LF or CR, wherever the
 * bytes are cut; comments, fields that are not known and events without data are passed over. One thing is otherwise: an event at the very end
 * that lacks its blank line is given as well, and marked.
 */
export async function* readServerSentEvents(
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<ServerSentEvent, void, undefined> {
  const decoder = new TextDecoder();
  const lines = createLineCutter();
  const events = createEventBuilder();
  for await (const chunk of bytes) {
    for (const line of lines.push(decoder.decode(chunk, { stream: true }))) {
      const event = events.add(line);
      if (event !== undefined) yield event;
    }
  }
  for (const line of [...lines.push(decoder.decode()), lines.rest()]) {
    const event = events.add(line);
    if (event !== undefined) yield event;
  }
  const last = events.add("");
  if (last !== undefined) yield { ...last, isWhole: false };
}

/** Cuts text into lines as it comes. A CR ends its line at once; an LF that follows belongs to it. */
function createLineCutter() {
  let rest = "";
  let afterCr = false;
  return {
    push(text: string): string[] {
      if (text === "") return [];
      const pieces = (afterCr && text.startsWith("\n") ? text.slice(1) : text).split(/\r\n|\n|\r/);
      afterCr = text.endsWith("\r");
      pieces[0] = rest + pieces[0]!;
      rest = pieces.pop()!;
      return pieces;
    },
    rest: () => rest,
  };
}

function createEventBuilder() {
  let event = "";
  let data: string[] = [];
  return {
    add(line: string): ServerSentEvent | undefined {
      if (line === "") {
        const built = data.length === 0 ? undefined : { event, data: data.join("\n"), isWhole: true };
        event = "";
        data = [];
        return built;
      }
      const colon = line.indexOf(":");
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
      if (field === "data") data.push(value);
      else if (field === "event") event = value;
      return undefined;
    },
  };
}
