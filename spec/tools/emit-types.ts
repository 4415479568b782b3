/** Writes generated/types.ts: openapi-typescript's rendering of the bundle, and maps by operation. */
import openapiTS, { astToString, type OpenAPITSOptions } from "openapi-typescript";
import ts from "typescript";
import type { Bundle } from "./bundle.ts";
import { HEADER } from "./emit-operations.ts";
import type { Source } from "./source.ts";

export async function emitTypes(bundle: Bundle, source: Source): Promise<string> {
  const tree = await openapiTS(structuredClone(bundle.document) as never, {
    defaultNonNullable: false,
    emptyObjectsUnknown: true,
    alphabetize: false,
    transform: jsonTypes,
  });
  return `${HEADER}
/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
/** A JSON object of no particular shape. */
export interface JsonObject {
  [key: string]: Json | undefined;
}

${astToString(tree)}
${maps(source)}`;
}

/** What has no particular shape is JSON, not unknown. */
const jsonTypes: OpenAPITSOptions["transform"] = (schema) => {
  const keywords = Object.keys(schema).filter((keyword) => keyword !== "description");
  const bare = keywords.every((keyword) => BARE.has(keyword));
  if (!bare) return undefined;
  if (keywords.length === 0) return ts.factory.createTypeReferenceNode("Json");
  const type = "type" in schema ? schema.type : undefined;
  if (type === "object" && !("maxProperties" in schema)) {
    return ts.factory.createTypeReferenceNode("JsonObject");
  }
  if (type !== "array") return undefined;
  return ts.factory.createArrayTypeNode(ts.factory.createTypeReferenceNode("Json"));
};
/** Keywords that say nothing of the parts. */
const BARE = new Set([
  "type",
  "examples",
  "minProperties",
  "maxProperties",
  "minItems",
  "maxItems",
]);

function entries(names: Iterable<string>, prefix: string): string {
  return [...names]
    .map((name) => `  ${JSON.stringify(name)}: components["schemas"]["${prefix}.${name}"];`)
    .join("\n");
}

function maps(source: Source): string {
  return `/** A named schema. */
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];

type Parameters<Id extends keyof operations, Place extends "path" | "query"> =
  operations[Id]["parameters"] extends { [P in Place]?: infer Values }
    ? [NonNullable<Values>] extends [never]
      ? Record<never, never>
      : NonNullable<Values>
    : Record<never, never>;

/** The path parameters of an operation, decoded. */
export type PathParams<Id extends keyof operations> = Parameters<Id, "path">;

/** The query parameters of an operation, after coercion. */
export type QueryParams<Id extends keyof operations> = Parameters<Id, "query">;

/** The JSON body that an operation takes, or the fields of its form; undefined when it takes none. */
export type RequestBody<Id extends keyof operations> = operations[Id] extends {
  requestBody?: { content: { "application/json": infer Body } };
}
  ? Body
  : operations[Id] extends {
        requestBody?: { content: { "application/x-www-form-urlencoded": infer Fields } };
      }
    ? Fields
    : undefined;

/** The JSON body of an operation's successful answer; unknown when it is not JSON. */
export type ResponseBody<Id extends keyof operations> = operations[Id] extends {
  responses: { 200: { content: { "application/json": infer Body } } };
}
  ? Body
  : unknown;

/** The content of each event type that the specification describes. */
export interface EventContents {
${entries(source.events.keys(), "Content")}
}
export type EventContent<Type extends keyof EventContents> = EventContents[Type];

/** The content of each EDU type. */
export interface EduContents {
${entries(source.edus.keys(), "Edu")}
}
`;
}
