/** Commands of `weft admin`: one for each operation of the contract that administrators call. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type OperationRow, operations } from "@weft/spec/operations";

/** The part of a JSON Schema that says what a flag takes. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

/** Something that a command takes by a flag. */
export interface Flag {
  /** As the contract calls it. */
  readonly name: string;
  readonly place: "query" | "body";
  readonly isRequired: boolean;
  readonly isList: boolean;
  /** What a value may be; "json" for objects, and lists of them. */
  readonly kinds: ReadonlySet<"string" | "integer" | "boolean" | "null" | "json">;
  readonly values: readonly string[] | undefined;
  readonly description: string;
}

export interface Command {
  /** `list-users`, for the operation listUsers. */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly group: string;
  readonly summary: string;
  readonly description: string;
  /** Parts of the path, in its order. */
  readonly args: readonly { readonly name: string; readonly description: string }[];
  readonly flags: readonly Flag[];
  readonly hasBody: boolean;
}

interface Operation {
  readonly summary: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly (Parameter | { readonly $ref: string })[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: Schema }>>;
  };
}

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: Schema;
}

interface Contract {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** All of them, by name. */
export function adminCommands(): Map<string, Command> {
  const file = fileURLToPath(import.meta.resolve("@weft/spec/openapi.json"));
  const contract = JSON.parse(readFileSync(file, "utf8")) as Contract;
  const rows = Object.entries(operations as Record<string, OperationRow>);
  const commands = rows.flatMap(([id, row]) => {
    const path = pathOf(row);
    return path === undefined ? [] : [commandOf(contract, id, row, path)];
  });
  return new Map(commands.map((command) => [command.name, command]));
}

/** The path by which administrators call it; undefined: they do not. */
function pathOf({ auth, path, aliases }: OperationRow): string | undefined {
  if (auth === "administrator") return path;
  // What users may ask of themselves, too.
  if (auth !== "access-token") return undefined;
  return [path, ...aliases].find((one) => /^\/_(?:synapse|weft)\/admin\//.test(one));
}

function commandOf(contract: Contract, id: string, row: OperationRow, path: string): Command {
  const operation = contract.paths[row.path]![row.method.toLowerCase()]!;
  const parameters = (operation.parameters ?? []).map((one) => resolve<Parameter>(contract, one));
  const schema = operation.requestBody?.content["application/json"]?.schema;
  const args = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name: name!,
    description: parameters.find((one) => one.name === name)?.description ?? "",
  }));
  const query = parameters
    .filter((one) => one.in === "query")
    .map((one) => flagOf(contract, one.name, one.schema, { ...one, place: "query" }));
  return {
    ...{ name: kebab(id), method: row.method, path, args },
    group: operation.tags?.[0] ?? "",
    summary: operation.summary,
    description: operation.description ?? "",
    flags: [...query, ...(schema === undefined ? [] : membersOf(contract, schema))],
    hasBody: schema !== undefined,
  };
}

function membersOf(contract: Contract, schema: Schema): Flag[] {
  const { properties = {}, required = [], allOf = [] } = resolve<Schema>(contract, schema);
  const own = Object.entries(properties).map(([name, property]) =>
    flagOf(contract, name, property, { place: "body", required: required.includes(name) }),
  );
  return [...own, ...allOf.flatMap((part) => membersOf(contract, part))];
}

function flagOf(
  contract: Contract,
  name: string,
  schema: Schema,
  about: { place: Flag["place"]; required?: boolean; description?: string },
): Flag {
  const whole = resolve<Schema>(contract, schema);
  const branches = [whole, ...(whole.anyOf ?? [])].map((one) => resolve<Schema>(contract, one));
  const list = branches.find((one) => one.type === "array");
  const items = list?.items && resolve<Schema>(contract, list.items);
  const isList = items !== undefined && kindsOf(items).every((kind) => kind !== "json");
  const shown = isList ? [items] : branches;
  const values = shown.flatMap((one) => one.enum ?? []).map(String);
  return {
    ...{ name, place: about.place, isRequired: about.required === true, isList },
    kinds: new Set(shown.flatMap(kindsOf)),
    values: values.length > 0 ? values : undefined,
    description: schema.description ?? about.description ?? whole.description ?? "",
  };
}

function kindsOf({ type }: Schema): ("string" | "integer" | "boolean" | "null" | "json")[] {
  const types = type === undefined ? [] : typeof type === "string" ? [type] : type;
  return types.map((one) => {
    if (one === "string" || one === "integer" || one === "boolean" || one === "null") return one;
    return one === "number" ? "integer" : "json";
  });
}

function resolve<T extends object>(contract: Contract, one: T | { readonly $ref: string }): T {
  if (!("$ref" in one) || typeof one.$ref !== "string") return one as T;
  const [, , kind, name] = one.$ref.split("/");
  const { $ref: _ref, ...besides } = one;
  return { ...resolve<T>(contract, contract.components[kind!]![name!] as T), ...besides };
}

/** `list-users` of `listUsers` and `order-by` of `order_by`. */
export function kebab(name: string): string {
  return name
    .replaceAll(/[A-Z]+/g, (letters) => `-${letters.toLowerCase()}`)
    .replaceAll("_", "-")
    .replace(/^-/, "");
}
