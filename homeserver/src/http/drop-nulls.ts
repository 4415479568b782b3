import { definitions, type JsonSchema } from "@weft/spec/schemas";
import { isJsonObject, type JsonObject } from "../protocol/json.ts";

/** Removes, in place and at any depth, keys that are null and might as well be absent. */
export type NullDropper = (value: unknown) => void;

type Properties = Readonly<Record<string, JsonSchema>>;

/**
 * Makes the dropper for a request body. Clients write null for "not given" where the specification
 * has plain strings: such a key is dropped if its schema knows it, does not require it, and does
 * not allow null. Values without a schema of their own (event content, account data, profile
 * fields) stay as they are.
 * @returns undefined when there is nothing to drop
 */
export function nullDropperOf(schema: JsonSchema | undefined): NullDropper | undefined {
  return compile(schema, new Map());
}

function compile(
  schema: JsonSchema | undefined,
  known: Map<string, NullDropper | undefined>,
): NullDropper | undefined {
  if (schema === undefined) return undefined;
  const steps: NullDropper[] = [];
  const ref = schema["$ref"];
  if (typeof ref === "string") {
    if (!known.has(ref)) {
      // A recursive schema refers to the function that is being made.
      known.set(ref, (value) => known.get(ref)?.(value));
      known.set(ref, compile(resolve(ref), known));
    }
    const step = known.get(ref);
    if (step) steps.push(step);
  }
  for (const keyword of ["allOf", "anyOf", "oneOf"]) {
    for (const branch of listOf(schema[keyword])) {
      const step = compile(branch, known);
      if (step) steps.push(step);
    }
  }
  const ofItems = compile(schema["items"] as JsonSchema | undefined, known);
  if (ofItems) steps.push((value) => Array.isArray(value) && value.forEach(ofItems));
  const ofMembers = members(schema, known);
  if (ofMembers) steps.push(ofMembers);
  if (steps.length <= 1) return steps[0];
  return (value) => steps.forEach((step) => step(value));
}

/** The dropper for an object's own keys. */
function members(
  schema: JsonSchema,
  known: Map<string, NullDropper | undefined>,
): NullDropper | undefined {
  const properties = (schema["properties"] ?? {}) as Properties;
  const required = new Set((schema["required"] ?? []) as string[]);
  const droppable = Object.keys(properties).filter(
    (name) => !required.has(name) && !allowsNull(properties[name]!),
  );
  const inside = Object.entries(properties).flatMap(([name, property]) => {
    const step = compile(property, known);
    return step ? [[name, step] as const] : [];
  });
  const others = schema["additionalProperties"];
  const further = isJsonObject(others) ? (others as JsonSchema) : undefined;
  const ofOthers = compile(further, known);
  const dropsOthers = further !== undefined && !allowsNull(further);
  if (droppable.length + inside.length === 0 && !ofOthers && !dropsOthers) return undefined;
  return (value) => {
    if (!isJsonObject(value)) return;
    for (const name of droppable) if (value[name] === null) delete value[name];
    for (const [name, step] of inside) step(value[name]);
    if (further) dropOthers(value, properties, dropsOthers, ofOthers);
  };
}

function dropOthers(
  value: JsonObject,
  properties: Properties,
  drops: boolean,
  inside: NullDropper | undefined,
): void {
  for (const name of Object.keys(value)) {
    if (Object.hasOwn(properties, name)) continue;
    if (drops && value[name] === null) delete value[name];
    else inside?.(value[name]);
  }
}

function allowsNull(schema: JsonSchema): boolean {
  const { $ref: ref, type, enum: values, const: only } = schema;
  if (typeof ref === "string" && !allowsNull(resolve(ref))) return false;
  if (type !== undefined && ![type].flat().includes("null")) return false;
  if (Array.isArray(values) && !values.includes(null)) return false;
  if ("const" in schema && only !== null) return false;
  if (!listOf(schema["allOf"]).every(allowsNull)) return false;
  return ["anyOf", "oneOf"].every((keyword) => {
    const branches = listOf(schema[keyword]);
    return branches.length === 0 || branches.some(allowsNull);
  });
}

function listOf(branches: unknown): JsonSchema[] {
  return Array.isArray(branches) ? (branches as JsonSchema[]) : [];
}

function resolve(ref: string): JsonSchema {
  const name = ref.slice(ref.lastIndexOf("/") + 1);
  return (definitions["$defs"] as Record<string, JsonSchema>)[name] ?? {};
}
