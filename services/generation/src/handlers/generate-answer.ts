import type { GenerationService } from "@quartet/contracts/generation/v1/generation_service";
import { type Handler, principalOf } from "@quartet/rpc";
import { fromRequest, toConnectError, toResponse } from "../convert.ts";
import type { Answerer } from "../domain/answerer.ts";
import { AnswererError } from "../domain/answerer-error.ts";
import type { SectionedAnswerer } from "../domain/sections/sectioned-answerer.ts";

/** Streams an answer, in one text or in sections; what was spent on one that failed goes along with the error. */
export function createGenerateAnswer({
  answerer,
  sectioned,
}: {
  readonly answerer: Answerer;
  readonly sectioned: SectionedAnswerer;
}): Handler<typeof GenerationService.method.generateAnswer> {
  return async function* generateAnswer(request, context) {
    const { question, passages, sections, maxOutputTokens, ...wanted } = fromRequest(request);
    const left = new AbortController();
    const signal = AbortSignal.any([context.signal, left.signal]);
    try {
      const { tenant } = principalOf(context);
      const options = { tenant, signal, timeoutMs: context.timeoutMs(), ...wanted };
      const events =
        sections.length > 0
          ? sectioned.answer(question, passages, sections, options)
          : answerer.answer(question, passages, { ...options, maxOutputTokens });
      for await (const event of events) yield toResponse(event);
    } catch (error) {
      throw error instanceof AnswererError ? toConnectError(error) : error;
    } finally {
      left.abort();
    }
  };
}
