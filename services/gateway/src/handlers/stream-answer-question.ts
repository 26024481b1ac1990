import type { AnswerService } from "@quartet/contracts/gateway/v1/answer_service";
import type { Handler } from "@quartet/rpc";
import { toStreamResponse } from "../convert.ts";
import { coalescedAnswer } from "../domain/coalesced-answer.ts";
import type { Admission } from "./admission.ts";
import type { Answering } from "./answering.ts";

/** Answers as it comes: stages, what may be cited, text, and at last the whole answer. */
export function createStreamAnswerQuestion({
  admission,
  answering,
}: {
  readonly admission: Admission;
  readonly answering: Answering;
}): Handler<typeof AnswerService.method.streamAnswerQuestion> {
  return admission.stream(async function* ({ answer }, context) {
    // Required by the contract, and validated before.
    const events = answering(answer!, context, "answer.");
    for await (const event of coalescedAnswer(events)) yield toStreamResponse(event);
  });
}
