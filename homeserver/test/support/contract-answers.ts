/** Operations that are asked by their whole paths, and answers as the contract describes them. */
import { type OperationId, operations } from "@weft/spec/operations";
import { createValidators } from "@weft/spec/validators";
import type { Body } from "./user.ts";

export interface Answer {
  readonly status: number;
  readonly body: Body;
}

/** Asks an operation by its whole path. */
export async function askPath(
  on: { readonly baseUrl: string },
  { token }: { readonly token: string },
  request: { readonly method: string; readonly path: string; readonly body?: unknown },
): Promise<Answer> {
  const { method, path, body } = request;
  const response = await fetch(`${on.baseUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Body };
}

const validators = createValidators();

/** Fails the test if the answer is not one that the contract describes. */
export function ensureAsSpecified(method: string, path: string, { status, body }: Answer): void {
  const plain = path.split("?")[0]!;
  const fits = (pattern: string) =>
    new RegExp(`^${pattern.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(plain);
  const known = Object.entries(operations).filter(([, row]) => row.method === method);
  const found =
    known.find(([, row]) => row.path === plain) ??
    known.find(([, row]) => [row.path, ...row.aliases].some(fits));
  if (found === undefined) throw new Error(`${method} ${path} is no operation`);
  const problems = validators.response(found[0] as OperationId, status, body);
  if (problems.length > 0) throw new Error(`${found[0]} ${status}: ${problems.join("; ")}`);
}
