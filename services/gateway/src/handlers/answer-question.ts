import type { AnswerService } from "@quartet/contracts/gateway/v1/answer_service";
import type { Handler } from "@quartet/rpc";
import { toAnswerResponse } from "../convert.ts";
import { Refusal } from "../domain/refusal.ts";
import type { Admission } from "./admission.ts";
import type { Answering } from "./answering.ts";

/** Answers in one response: the last event of the stream. */
export function createAnswerQuestion({
  admission,
  answering,
}: {
  readonly admission: Admission;
  readonly answering: Answering;
}): Handler<typeof AnswerService.method.answerQuestion> {
  return admission.unary(async (request, context) => {
    for await (const event of answering(request, context, "")) {
      if (event.type === "answer") return toAnswerResponse(event.answer);
    }
    throw new Refusal("STREAM_TRUNCATED", "The answer broke off before its end. Ask again.");
  });
}
