import { runOperatorCommand } from "../adapters/operator-process.ts";
import type { Context } from "../context.ts";
import type { ExitCode } from "../exit-codes.ts";

export interface AddModelOptions {
  readonly name?: string;
  readonly queryPrefix?: string;
  readonly documentPrefix?: string;
}

/** `quartet models add PATH` */
export async function addModel(context: Context, options: AddModelOptions, path: string): Promise<ExitCode> {
  const { name, queryPrefix, documentPrefix } = options;
  const given = [
    ...(name === undefined ? [] : [`--name=${name}`]),
    ...(queryPrefix === undefined ? [] : [`--query-prefix=${queryPrefix}`]),
    ...(documentPrefix === undefined ? [] : [`--document-prefix=${documentPrefix}`]),
  ];
  return await runOperatorCommand(context, "models", ["add", ...given, ...json(context), "--", path]);
}

/** `quartet models list` */
export async function listModels(
  context: Context,
  { verify = false }: { readonly verify?: boolean },
): Promise<ExitCode> {
  return await runOperatorCommand(context, "models", ["list", ...(verify ? ["--verify"] : []), ...json(context)]);
}

/** `quartet models remove NAME` */
export async function removeModel(context: Context, name: string): Promise<ExitCode> {
  return await runOperatorCommand(context, "models", ["remove", "--", name]);
}

const json = ({ json }: Context): string[] => (json ? ["--json"] : []);
