/**
 * Requests of every operation, right but for what is spoiled in them, by everybody there is:
 * WEFT_TEST_FUZZ says how many (a million take a quarter of an hour where a core is free), WEFT_TEST_SEED which.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type OperationId, type OperationRow, operations } from "@weft/spec/operations";
import { operationSchemas } from "@weft/spec/schemas";
import { createValidators } from "@weft/spec/validators";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSeededRandom } from "../../src/platform/random.ts";
import { inParallel } from "../../src/platform/pacing/in-parallel.ts";
import type { Json, JsonObject } from "../../src/protocol/json.ts";
import { type Cast, openCast } from "./cast.ts";
import { sample, spoiled } from "./hostile.ts";
import { type RawAnswer, rawRequest, segment } from "./raw-request.ts";

const RUNS = Number(process.env["WEFT_TEST_FUZZ"] ?? 2_500);
const SEED = Number(process.env["WEFT_TEST_SEED"] ?? 1);
const AT_ONCE = 12;
/** The heap may grow by so much between a tenth of the requests and all of them. */
const GROWTH = 1.3;
/** What caches hold that are not full yet, bytes. */
const CACHES = 120 * 2 ** 20;

let cast: Cast;
beforeAll(async () => {
  cast = await openCast();
});
afterAll(() => cast.close());

const rows = (Object.entries(operations) as [OperationId, OperationRow][]).filter(([, { api }]) =>
  ["client-server", "server-server", "admin", "oauth"].includes(api),
);
const validators = createValidators();

interface Asked {
  readonly id: OperationId;
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

type Draw = (below: number) => number;

function request(draw: Draw): Asked {
  const [id, row] = rows[draw(rows.length)]!;
  const schemas = operationSchemas[id];
  const known = cast.known(row, draw);
  const part = (schema: object, isSpoiled: boolean): Json => {
    const right = sample(schema, known);
    return isSpoiled ? spoiled(right, draw) : right;
  };
  const params = object(part(schemas.params, draw(6) === 0));
  const paths = [row.path, ...row.aliases];
  const path = paths[draw(paths.length)]!.replaceAll(/\{(\w+)\}/g, (_whole, name: string) =>
    // Without it, it would be another path.
    segment(textOf(params[name] ?? "x", known, draw) || "x"),
  );
  const query = Object.entries(object(part(schemas.query, draw(4) === 0)))
    .filter(() => draw(2) === 0)
    .map(([name, value]) => `${segment(name)}=${segment(textOf(value!, known, draw))}`);
  const body = schemas.body === undefined ? undefined : part(schemas.body, draw(2) === 0);
  const uri = query.length === 0 ? path : `${path}?${query.join("&")}`;
  const written = body === undefined ? undefined : bodyText(row, body, draw);
  return { id, method: row.method, path: uri, body: written, ...cast.as(row, uri, written, draw) };
}

const object = (value: Json): JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};

/** In a path or a query; sometimes what is there. */
function textOf(value: Json, known: Record<string, string>, draw: Draw): string {
  if (draw(3) === 0) return Object.values(known)[draw(Object.keys(known).length)]!;
  return typeof value === "string" ? value.slice(0, 2_000) : JSON.stringify(value).slice(0, 2_000);
}

function bodyText({ body: kind }: OperationRow, body: Json, draw: Draw): string {
  if (kind === "form") {
    const pairs = Object.entries(object(body)).map(([key, value]): [string, string] => [
      key,
      typeof value === "string" ? value : JSON.stringify(value),
    ]);
    return new URLSearchParams(pairs).toString();
  }
  const text = JSON.stringify(body);
  return draw(50) === 0 ? text.slice(0, draw(text.length + 1)) : text;
}

function problemOf({ id }: Asked, { status, text }: RawAnswer): string | undefined {
  if (status === 500 || status === 503) return `${status}`;
  if (operations[id].response !== "json" && status < 400) return undefined;
  const isPage = ["html", "redirect"].includes(operations[id].response);
  if (isPage || status === 304) return undefined;
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return `${status}, not JSON`;
  }
  const problems = validators.response(id, status, body);
  return problems.length > 0 ? `${status}, ${problems.join("; ")}` : undefined;
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
function heap(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

test(
  `${RUNS} requests of every operation by everybody: no 500, and what others have stays`,
  async () => {
    const draw = createSeededRandom(SEED).integer;
    const before = await cast.witnessed();
    const statuses = new Map<number, number>();
    const problems = new Map<string, string>();
    let early = 0;
    let answered = 0;
    for (let done = 0; done < RUNS; done += 500) {
      const batch = Array.from({ length: Math.min(500, RUNS - done) }, () => request(draw));
      await inParallel(batch, AT_ONCE, async (asked) => {
        const { id, method, path, body = "" } = asked;
        const note = (problem: string, text: string) =>
          problems.set(`${id} ${problem}`, `${method} ${path} ${body.slice(0, 300)}: ${text}`);
        try {
          const answer = await rawRequest(cast.server, asked);
          answered += 1;
          statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
          const problem = problemOf(asked, answer);
          if (problem !== undefined) note(problem, answer.text.slice(0, 300));
        } catch (error) {
          note(`not answered, after ${answered} others`, String(error));
        }
      });
      await cast.refresh();
      if (early === 0 && done >= RUNS / 10) early = heap();
    }
    expect(Object.fromEntries(problems)).toEqual({});
    // The requests are not all refused at the door.
    expect(statuses.get(200)).toBeGreaterThan(RUNS / 20);
    expect(heap()).toBeLessThan(early * GROWTH + CACHES);
    expect(await cast.witnessed()).toEqual(before);
  },
  4 * 3_600_000,
);
