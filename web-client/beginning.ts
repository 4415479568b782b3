import { join } from "node:path";
import { build, type Plugin, type Rolldown } from "vite";

type Bundle = Rolldown.OutputBundle;
type Chunk = Rolldown.OutputChunk;

/** The modules that each part of the page begins with. */
const PARTS = {
  opened: ["store/opened.ts"],
  rooms: ["pages/shell.ts", "pages/room.ts"],
  "sign-in": ["pages/sign-in.ts", "elements/toasts.ts"],
  register: ["pages/register.ts", "elements/toasts.ts"],
};

const chunksOf = (bundle: Bundle): Chunk[] =>
  Object.values(bundle).filter((one) => one.type === "chunk");

/** A chunk and all that it imports before it runs, in the order in which they run last. */
function withImports(bundle: Bundle, chunk: Chunk, seen = new Set<string>()): Set<string> {
  if (seen.has(chunk.fileName)) return seen;
  seen.add(chunk.fileName);
  for (const name of chunk.imports) withImports(bundle, bundle[name] as Chunk, seen);
  return seen;
}

/** The files that a part waits for beside those of the first script. Throws for a module that is in none. */
function filesFor(bundle: Bundle, modules: readonly string[]): string[] {
  const chunks = chunksOf(bundle);
  const first = chunks
    .filter(({ isEntry }) => isEntry)
    .flatMap((one) => [...withImports(bundle, one)]);
  const wanted = modules.flatMap((module) => {
    const id = join(import.meta.dirname, "src", module);
    const chunk =
      chunks.find((one) => one.facadeModuleId === id) ??
      chunks.find((one) => one.moduleIds.includes(id));
    if (chunk === undefined) throw new Error(`${module} is in no file of the build`);
    return [...withImports(bundle, chunk)];
  });
  return [...new Set(wanted)].filter((name) => !first.includes(name)).map((name) => `./${name}`);
}

/** The plain script that is told which files these are. */
async function script(parts: Record<string, string[]>): Promise<string> {
  const built = await build({
    configFile: false,
    publicDir: false,
    logLevel: "warn",
    define: { WEFT_PARTS: JSON.stringify(parts) },
    build: {
      write: false,
      target: "es2024",
      lib: {
        entry: join(import.meta.dirname, "src", "begin.ts"),
        formats: ["iife"],
        name: "weft",
      },
    },
  });
  const [{ output }] = built as [Rolldown.RolldownOutput];
  return output[0].code;
}

/** Adds to the page the script that fetches ahead (`src/begin.ts`), under a name of its content like all others. */
export function beginning(): Plugin {
  let file = "";
  return {
    name: "beginning",
    apply: "build",
    async generateBundle(_options, bundle) {
      const parts = Object.entries(PARTS).map(
        ([part, modules]) => [part, filesFor(bundle, modules)] as const,
      );
      const source = await script(Object.fromEntries(parts));
      file = this.getFileName(this.emitFile({ type: "asset", name: "begin.js", source }));
    },
    transformIndexHtml: {
      order: "post",
      handler: () => [
        {
          tag: "script",
          attrs: { async: true, fetchpriority: "high", src: `./${file}` },
          injectTo: "head",
        },
      ],
    },
  };
}
