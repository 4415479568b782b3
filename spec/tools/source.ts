/**
 * Reads the YAML sources of the specification: a tree of files whose `$ref`s are relative paths.
 */
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { parse } from "yaml";

export type Node = { [key: string]: unknown };

export const SPEC_FOLDER = dirname(import.meta.dirname);

/** The interfaces that the specification describes, as their folders under openapi/. */
export const APIS = [
  "client-server",
  "server-server",
  "application-service",
  "push-gateway",
  "oauth",
  "admin",
] as const;
export type Api = (typeof APIS)[number];

export interface Source {
  /** Resource files by API, in order of their names: {module, file, document}. */
  resources: { api: Api; module: string; file: string; document: Node }[];
  /** Shared definitions by file (types/identifiers.yaml, …). */
  types: Map<string, Node>;
  /** Event types: file name without its ending → document. */
  events: Map<string, Node>;
  /** EDUs, in the same form. */
  edus: Map<string, Node>;
}

/** Reads every source file. Throws with the file's name on YAML that does not parse. */
export function readSource(folder: string = SPEC_FOLDER): Source {
  const resources = APIS.flatMap((api) =>
    yamlFiles(join(folder, "openapi", api)).map((file) => ({
      api,
      module: basename(file, ".yaml"),
      file: slashes(relative(folder, file)),
      document: readYaml(file),
    })),
  );
  const types = new Map(
    yamlFiles(join(folder, "types")).map((file) => [
      slashes(relative(folder, file)),
      readYaml(file),
    ]),
  );
  return {
    resources,
    types,
    events: byName(join(folder, "events")),
    edus: byName(join(folder, "events", "edus")),
  };
}

/**
 * The file (relative to spec/) and the name that a `$ref` in `file` points to:
 * "../../types/identifiers.yaml#/UserId" → ["types/identifiers.yaml", "UserId"].
 */
export function refTarget(ref: string, file: string): [file: string, name: string] {
  const [path = "", pointer = ""] = ref.split("#/");
  const target = path === "" ? file : slashes(relative("/", resolve("/", dirname(file), path)));
  return [target, pointer];
}

/** Calls `visit` for every object in the tree, from the root down. */
export function walk(node: unknown, visit: (node: Node) => void): void {
  if (Array.isArray(node)) for (const item of node) walk(item, visit);
  else if (isNode(node)) {
    visit(node);
    for (const value of Object.values(node)) walk(value, visit);
  }
}

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function byName(folder: string): Map<string, Node> {
  return new Map(yamlFiles(folder).map((file) => [basename(file, ".yaml"), readYaml(file)]));
}

function yamlFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".yaml"))
    .toSorted()
    .map((name) => join(folder, name));
}

function readYaml(file: string): Node {
  try {
    return parse(readFileSync(file, "utf8"), { maxAliasCount: 0 }) as Node;
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`, { cause: error });
  }
}

function slashes(path: string): string {
  return path.split(sep).join("/");
}
