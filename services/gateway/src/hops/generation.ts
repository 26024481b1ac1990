import type { Transport } from "@connectrpc/connect";
import { type GenerationEnd, GenerationService } from "@quartet/contracts/generation/v1/generation_service";
import { createClient } from "@quartet/rpc";
import { list, type Wire } from "../convert.ts";
import type { AnswerPorts, GenerationEvent } from "../domain/ports.ts";
import type { Hop, StreamClocks } from "./hop.ts";

export type GenerationHop = Pick<AnswerPorts<Wire>, "generate">;

export function createGenerationHop(transport: Transport, hop: Hop, clocks: StreamClocks): GenerationHop {
  const client = createClient(GenerationService, transport);
  // A section may begin when another has ended: its first word may then take as long as the first of all.
  const sectionClocks = { ...clocks, idleMs: Math.max(clocks.firstMs, clocks.idleMs) };
  return {
    async *generate({ modelOptions, ...request }, call) {
      let end: GenerationEnd | undefined;
      const sent = {
        ...request,
        passages: list(request.passages),
        sections: list(request.sections),
        ...(modelOptions && { modelOptions }),
      };
      const open = (options: object) => client.generateAnswer(sent, options);
      for await (const { event } of hop.stream(call, sent.sections.length > 0 ? sectionClocks : clocks, open)) {
        if (event.case === "textDelta") yield { type: "text", section: event.value.section, text: event.value.text };
        else if (event.case === "section") yield { type: "section", section: event.value };
        else if (event.case === "end") end = event.value;
      }
      // Told only after the stream's own end: an error may still come behind the last message.
      if (end !== undefined) yield toEnd(end);
    },
  };
}

function toEnd({ citations, degradations, answerer, finishReason, usage }: GenerationEnd): GenerationEvent<Wire> {
  return { type: "end", citations, degradations, answerer, finishReason, usage };
}
