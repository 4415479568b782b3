import { errors } from "../../protocol/errors.ts";

/**
 * A text from a client that is kept as it is: well-formed, without NUL, of at most `maxBytes` in
 * UTF-8.
 * @throws MatrixError M_INVALID_PARAM 400, naming `what`
 */
export function plainText(value: unknown, what: string, maxBytes: number): string {
  if (typeof value !== "string") throw errors.invalidParam(`${what} must be a string`);
  if (!value.isWellFormed() || value.includes("\0")) {
    throw errors.invalidParam(`${what} holds characters that are not allowed`);
  }
  if (Buffer.byteLength(value) > maxBytes) {
    throw errors.invalidParam(`${what} is longer than ${maxBytes} bytes`);
  }
  return value;
}
