import { type Budget, BudgetError, type PlannedCall, type Reservation } from "@quartet/budget";
import { AnswererError } from "./answerer-error.ts";

/** Reserves what a call of this service can cost at most. @throws {AnswererError} where it must not be made, or the signal's reason */
export async function setAside(
  budget: Pick<Budget, "reserve">,
  call: Omit<PlannedCall, "service">,
): Promise<Reservation> {
  try {
    return await budget.reserve({ ...call, service: "generation" });
  } catch (error) {
    if (!(error instanceof BudgetError)) throw error;
    const { reason: failure, message, retryDelayMs, cause } = error;
    throw new AnswererError({ failure, message, retryDelayMs, cause });
  }
}
