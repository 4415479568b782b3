/** Writes generated/schemas.ts: JSON Schemas (2020-12) of what travels, ready for Ajv. */
import type { Bundle, Operation } from "./bundle.ts";
import { HEADER } from "./emit-operations.ts";
import { FORM } from "./guards.ts";
import { isNode, type Node, type Source } from "./source.ts";

/** The base of every schema's identifier. `.invalid` never resolves: nothing is fetched. */
const SCHEMA_BASE = "https://spec.weft.invalid/";
const DEFINITIONS = `${SCHEMA_BASE}definitions`;

export function emitSchemas(bundle: Bundle, source: Source): string {
  const components = bundle.document["components"] as Node;
  const schemas = components["schemas"] as Node;
  const definitions = {
    $id: DEFINITIONS,
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $defs: absolute(schemas),
  };
  const rows = bundle.operations.map(
    (operation) => `  ${operation.id}: ${JSON.stringify(operationSchemas(operation, components))},`,
  );
  const refs = (names: Iterable<string>, prefix: string): string =>
    [...names]
      .map(
        (name) => `  ${JSON.stringify(name)}: { $ref: "${DEFINITIONS}#/$defs/${prefix}.${name}" },`,
      )
      .join("\n");
  const keys = [...source.events].map(
    ([name, event]) =>
      `  ${JSON.stringify(name)}: ${JSON.stringify({ kind: event["kind"], ...(event["stateKey"] === undefined ? {} : { stateKey: absolute(event["stateKey"]) }) })},`,
  );
  return `${HEADER}import type { OperationId } from "./operations.ts";

export type JsonSchema = { readonly [keyword: string]: unknown };

export interface OperationSchemas {
  /** An object with a member per path parameter. */
  readonly params: JsonSchema;
  /** An object with a member per query parameter; compile with coercion. */
  readonly query: JsonSchema;
  /** The JSON body, or the fields of the form; absent when the operation takes none. */
  readonly body?: JsonSchema;
  /** The JSON answers by status: the successful ones and the errors. */
  readonly responses: Readonly<Record<string, JsonSchema>>;
}

/** Every named schema. Add it to Ajv first: all others refer to it by its absolute $id. */
export const definitions: JsonSchema = ${JSON.stringify(definitions)};

export const operationSchemas: Readonly<Record<OperationId, OperationSchemas>> = {
${rows.join("\n")}
};

/** The content of each event type. */
export const eventContents: Readonly<Record<string, JsonSchema>> = {
${refs(source.events.keys(), "Content")}
};

/** What kind each event type is, and what its state key must be. */
export const eventKinds: Readonly<
  Record<string, { kind: "state" | "message" | "ephemeral" | "account-data" | "to-device"; stateKey?: JsonSchema }>
> = {
${keys.join("\n")}
};

/** The content of each EDU type. */
export const eduContents: Readonly<Record<string, JsonSchema>> = {
${refs(source.edus.keys(), "Edu")}
};
`;
}

function operationSchemas({ node }: Operation, components: Node): Node {
  const parameters = ((node["parameters"] as Node[] | undefined) ?? []).map((each) =>
    typeof each["$ref"] === "string" ? resolve(components, each["$ref"]) : each,
  );
  const body = schemaOf(node["requestBody"], "application/json", FORM);
  const responses: Node = {};
  for (const [status, response] of Object.entries(node["responses"] as Node)) {
    const ref = (response as Node)["$ref"];
    const schema = schemaOf(
      typeof ref === "string" ? resolve(components, ref) : response,
      "application/json",
    );
    if (schema !== undefined) responses[status] = absolute(schema);
  }
  return {
    params: parameterObject(parameters, "path"),
    query: parameterObject(parameters, "query"),
    ...(body === undefined ? {} : { body: absolute(body) }),
    responses,
  };
}

function parameterObject(parameters: Node[], place: string): Node {
  const inPlace = parameters.filter((each) => each["in"] === place);
  const required = inPlace.filter((each) => each["required"] === true);
  return {
    type: "object",
    properties: Object.fromEntries(inPlace.map((each) => [each["name"], absolute(each["schema"])])),
    ...(required.length > 0 ? { required: required.map((each) => each["name"]) } : {}),
  };
}

/** The schema of what travels as the first of these media types that there is. */
function schemaOf(holder: unknown, ...types: readonly string[]): unknown {
  if (!isNode(holder) || !isNode(holder["content"])) return undefined;
  const content: Node = holder["content"];
  const found = types.map((type) => content[type]).find(isNode);
  return found?.["schema"];
}

function resolve(components: Node, ref: string): Node {
  const [kind = "", name = ""] = ref.replace("#/components/", "").split("/");
  return (components[kind] as Node)[name] as Node;
}

/** A copy for validators: references are absolute, words for the reader are left out. */
function absolute(node: unknown, inProperties = false): unknown {
  if (Array.isArray(node)) return node.map((item) => absolute(item));
  if (!isNode(node)) return node;
  const copy: Node = {};
  for (const [key, value] of Object.entries(node)) {
    if (!inProperties && PROSE.has(key)) continue;
    if (!inProperties && (key === "const" || key === "enum")) copy[key] = value;
    else if (!inProperties && key === "$ref" && typeof value === "string") {
      copy[key] = value.replace(/^.*#\/(components\/schemas\/)?/, `${DEFINITIONS}#/$defs/`);
    } else {
      const holdsNames = !inProperties && (key === "properties" || key === "patternProperties");
      copy[key] = absolute(value, holdsNames);
    }
  }
  return copy;
}

const PROSE = new Set(["description", "title", "example", "examples", "deprecated", "default"]);
