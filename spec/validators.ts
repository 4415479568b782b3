/**
 * Checks values against the specification's schemas. Each schema is compiled when it is first used.
 * A check answers with what is wrong, a line each: nothing wrong is an empty list.
 */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import type { OperationId } from "./generated/operations.ts";
import {
  definitions,
  eduContents,
  eventContents,
  eventKinds,
  type JsonSchema,
  operationSchemas,
} from "./generated/schemas.ts";

export interface Validators {
  /** Path parameters, decoded, as an object of strings. */
  params(id: OperationId, value: object): string[];
  /** Query parameters; strings are coerced in place to the types that they stand for. */
  query(id: OperationId, value: object): string[];
  /** A JSON request body. Nothing is wrong with the body of an operation that takes none. */
  body(id: OperationId, value: unknown): string[];
  /** A JSON answer, successful or not. A status that the specification does not name is wrong. */
  response(id: OperationId, status: number, value: unknown): string[];
  /** An event's content. Nothing is wrong with an event of unknown type. */
  eventContent(type: string, content: unknown): string[];
  /** A state event's key. Nothing is wrong with an event of unknown type. */
  stateKey(type: string, stateKey: string): string[];
  /** An EDU's content. Nothing is wrong with an EDU of unknown type. */
  edu(type: string, content: unknown): string[];
  /** Any of the named types, for instance "PduV11". */
  named(name: string, value: unknown): string[];
}

export function createValidators(): Validators {
  const bodies = compiler(false);
  const parameters = compiler("array");
  return {
    params: (id, value) => parameters(`${id} params`, operationSchemas[id].params, value),
    query: (id, value) => parameters(`${id} query`, operationSchemas[id].query, value),
    body: (id, value) => bodies(`${id} body`, operationSchemas[id].body, value),
    response(id, status, value) {
      const schema = operationSchemas[id].responses[status];
      if (schema === undefined) return [`${id} does not answer ${status} with JSON`];
      return bodies(`${id} ${status}`, schema, value);
    },
    eventContent: (type, content) => bodies(`event ${type}`, eventContents[type], content),
    stateKey: (type, key) => bodies(`state key of ${type}`, eventKinds[type]?.stateKey, key),
    edu: (type, content) => bodies(`EDU ${type}`, eduContents[type], content),
    named: (name, value) => bodies(name, named(name), value),
  };
}

function named(name: string): JsonSchema {
  return { $ref: `${String(definitions["$id"])}#/$defs/${name}` };
}

/** The settings under which every schema of the specification compiles. */
export function createAjv(coerceTypes: false | "array" = false): Ajv2020 {
  const ajv = new Ajv2020({
    strict: true,
    strictRequired: false,
    allowUnionTypes: true,
    allErrors: true,
    coerceTypes,
  });
  ajv.addSchema(definitions);
  return ajv;
}

type Check = (name: string, schema: JsonSchema | undefined, value: unknown) => string[];

function compiler(coerceTypes: false | "array"): Check {
  let ajv: Ajv2020 | undefined;
  const compiled = new Map<string, ValidateFunction>();
  return (name, schema, value) => {
    if (schema === undefined) return [];
    let validate = compiled.get(name);
    if (validate === undefined) {
      ajv ??= createAjv(coerceTypes);
      validate = ajv.compile(schema);
      compiled.set(name, validate);
    }
    if (validate(value)) return [];
    return (validate.errors ?? []).map((error) => `${error.instancePath || "/"} ${error.message}`);
  };
}
