/**
 * Writes spec/generated/ from the YAML sources: types, operations, schemas and the bundled OpenAPI document.
 *
 *   node spec/generate.ts            writes
 *   node spec/generate.ts --check    writes nothing; exits 1 and names what is stale
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "./tools/bundle.ts";
import { emitOperations, HEADER } from "./tools/emit-operations.ts";
import { emitSchemas } from "./tools/emit-schemas.ts";
import { emitTypes } from "./tools/emit-types.ts";
import { readSource, SPEC_FOLDER } from "./tools/source.ts";

const INDEX = `${HEADER}export * from "./operations.ts";
export * from "./schemas.ts";
export type {
  components,
  EduContents,
  EventContent,
  EventContents,
  Json,
  JsonObject,
  operations as OperationTypes,
  PathParams,
  paths,
  QueryParams,
  RequestBody,
  ResponseBody,
  Schema,
} from "./types.ts";
`;

/** Every generated file's name and text. */
async function generate(): Promise<Map<string, string>> {
  const source = readSource();
  const result = bundle(source);
  return new Map([
    ["openapi.json", `${JSON.stringify(result.document, null, 1)}\n`],
    ["operations.ts", emitOperations(result, source)],
    ["schemas.ts", emitSchemas(result, source)],
    ["types.ts", await emitTypes(result, source)],
    ["index.ts", INDEX],
  ]);
}

/** The names of generated files whose text on disk is not what the sources give. */
export async function staleFiles(): Promise<string[]> {
  const stale: string[] = [];
  for (const [name, text] of await generate()) {
    if (readOrNothing(join(SPEC_FOLDER, "generated", name)) !== text) stale.push(name);
  }
  return stale;
}

function readOrNothing(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

async function main(): Promise<void> {
  if (process.argv.includes("--check")) {
    const stale = await staleFiles();
    for (const name of stale) console.error(`spec/generated/${name} is stale: npm run generate`);
    process.exitCode = stale.length > 0 ? 1 : 0;
    return;
  }
  const folder = join(SPEC_FOLDER, "generated");
  mkdirSync(folder, { recursive: true });
  const files = await generate();
  for (const [name, text] of files) writeFileSync(join(folder, name), text);
  console.log(`spec/generated: ${[...files.keys()].join(", ")}`);
}

if (import.meta.main) await main();
