import type { GenerationService } from "@quartet/contracts/generation/v1/generation_service";
import { type Handler, principalOf } from "@quartet/rpc";
import { fromRequest, toConnectError, toResponse } from "../convert.ts";
import type { Answerer } from "../domain/answerer.ts";
import { AnswererError } from "../domain/answerer-error.ts";

/** Streams an answer; what was spent on one that failed goes along with the error. */
export function createGenerateAnswer({
  answerer,
}: {
  readonly answerer: Answerer;
}): Handler<typeof GenerationService.method.generateAnswer> {
  return async function* generateAnswer(request, context) {
    const { question, passages, retrievalDisabled } = fromRequest(request);
    const left = new AbortController();
    const signal = AbortSignal.any([context.signal, left.signal]);
    try {
      const { tenant } = principalOf(context);
      const options = { tenant, signal, timeoutMs: context.timeoutMs(), retrievalDisabled };
      for await (const event of answerer.answer(question, passages, options)) {
        yield toResponse(event);
      }
    } catch (error) {
      throw error instanceof AnswererError ? toConnectError(error) : error;
    } finally {
      left.abort();
    }
  };
}
