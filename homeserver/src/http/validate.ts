import { definitions, operationSchemas } from "@weft/spec/schemas";
import { type OperationId, operations } from "@weft/spec/operations";
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { type MatrixError, errors } from "../protocol/errors.ts";
import { nullDropperOf } from "./drop-nulls.ts";

export type Part = "params" | "query" | "body";

/** Checks one part of a request; parameters are coerced in place. */
export type Check = (value: unknown) => MatrixError | undefined;

/**
 * Makes the checks of requests from the specification's schemas. In a client's body, keys that are
 * null and optional are removed first. A schema is compiled when it is first used: compiling all
 * takes half a second, and most are rarely used.
 */
export function createValidators(): (operationId: OperationId, part: Part) => Check {
  const forBodies = compiler({ coerceTypes: false });
  const forParameters = compiler({ coerceTypes: "array" });
  return (operationId, part) => {
    const schema = operationSchemas[operationId][part];
    if (schema === undefined) return () => undefined;
    let validate: ValidateFunction | undefined;
    // A server has signed its body: nothing in it is changed.
    const isFromClient = operations[operationId].api !== "server-server";
    const dropNulls = part === "body" && isFromClient ? nullDropperOf(schema) : undefined;
    const names =
      part === "body" ? [] : constrained((schema.properties ?? {}) as Record<string, object>);
    return (value) => {
      if (holdsNul(value as Parameters, names)) {
        return errors.invalidParam("A parameter holds a NUL character");
      }
      dropNulls?.(value);
      validate ??= (part === "body" ? forBodies : forParameters).compile(schema);
      if (validate(value)) return undefined;
      return toMatrixError(part, validate.errors?.[0]);
    };
  };
}

/** Parameters with constraints on their values. */
function constrained(properties: Readonly<Record<string, object>>): string[] {
  return Object.keys(properties).filter((name) => Object.keys(properties[name]!).length > 0);
}

type Parameters = Readonly<Record<string, string | string[]>>;

/** No identifier, type, key or token contains NUL, and PostgreSQL cannot store it. */
function holdsNul(parameters: Parameters, names: readonly string[]): boolean {
  return names.some(
    (name) => parameters[name] !== undefined && String(parameters[name]).includes("\0"),
  );
}

function compiler(options: { coerceTypes: boolean | "array" }): Ajv2020 {
  const ajv = new Ajv2020({
    ...options,
    strict: false,
    allErrors: false,
    useDefaults: false,
    removeAdditional: false,
  });
  addFormats.default(ajv);
  ajv.addSchema(definitions);
  return ajv;
}

/**
 * A missing key on top is M_MISSING_PARAM; else bodies are M_BAD_JSON and parameters
 * M_INVALID_PARAM.
 */
function toMatrixError(part: Part, error: ErrorObject | undefined): MatrixError {
  const missing = error?.keyword === "required" && error.instancePath === "";
  if (missing) return errors.missingParam(`${String(error.params["missingProperty"])} is missing`);
  const place = error?.instancePath.slice(1).replaceAll("/", ".") ?? "";
  const what = `${place === "" ? "It" : place} ${error?.message ?? "is not valid"}`;
  return part === "body" ? errors.badJson(`Body: ${what}`) : errors.invalidParam(what);
}
