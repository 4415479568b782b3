import { errors } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";

/** Fields of a form. */
const MAX_FIELDS = 100;

/**
 * The fields of a form; empty ones are left out, as if they had not been sent. (RFC 6749, section
 * 3.2.)
 * @throws MatrixError M_INVALID_PARAM 400 for a field that comes twice, too many of them, or NUL
 */
export function readForm(bytes: Buffer): JsonObject {
  const fields: JsonObject = Object.create(null) as JsonObject;
  let count = 0;
  for (const [name, value] of new URLSearchParams(bytes.toString("utf8"))) {
    count += 1;
    if (count > MAX_FIELDS) throw errors.invalidParam("The form has too many fields");
    if (name in fields) throw errors.invalidParam("A field comes twice");
    if (value.includes("\0")) throw errors.invalidParam("A field holds a NUL character");
    if (value !== "") fields[name] = value;
  }
  return fields;
}
