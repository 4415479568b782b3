import { randomBytes } from "node:crypto";
import type {
  OperationId,
  OperationTypes,
  PathParams,
  RequestBody,
  ResponseBody,
} from "@weft/spec";
import { inWords, operationRow, wrongWith } from "./check-answer.ts";
import { createExchange } from "./exchange.ts";
import type { Answer } from "./exchange.ts";
import type { Subject } from "./subject.ts";

type Typed = OperationId & keyof OperationTypes;
export type QueryValues = Readonly<
  Record<string, string | number | boolean | readonly string[] | undefined>
>;

/** What a call carries. `raw` is a body as it stands, which need not be JSON. */
interface Call<Id extends Typed> {
  readonly path?: PathParams<Id>;
  readonly query?: QueryValues;
  readonly body?: NonNullable<RequestBody<Id>> | object;
  readonly raw?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Calls operations of the client API by their names, and holds every answer to the specification. */
export interface Client {
  readonly subject: Subject;
  accessToken: string | undefined;
  /** Whatever the server answers, as long as it is what the specification says of that status. */
  request<Id extends Typed>(id: Id, call?: Call<Id>): Promise<Answer>;
  /** The body of an answer that has to be a success. */
  call<Id extends Typed>(id: Id, call?: Call<Id>): Promise<ResponseBody<Id>>;
  /** A request to a path of its own, unchecked. */
  plain(
    method: string,
    path: string,
    headers?: Record<string, string>,
    body?: string,
  ): Promise<Answer>;
}

export function createClient(subject: Subject, accessToken?: string): Client {
  const exchange = createExchange(subject.clientUrl.startsWith("https:") ? subject.ca : undefined);
  const client: Client = {
    subject,
    accessToken,
    plain: (method, path, headers, body) =>
      exchange({ url: `${subject.clientUrl}${path}`, method, headers, body }),
    async request(id, call = {}) {
      const row = operationRow(id);
      const headers: Record<string, string> = {};
      if (client.accessToken !== undefined)
        headers["authorization"] = `Bearer ${client.accessToken}`;
      const body = call.raw ?? bodyOf(row.body === "json" && row.method !== "GET", call.body);
      if (body !== undefined) headers["content-type"] = "application/json";
      const answer = await exchange({
        url: `${subject.clientUrl}${pathOf(row.path, call.path ?? {})}${queryOf(call.query ?? {})}`,
        method: row.method,
        headers: { ...headers, ...call.headers },
        body,
        timeoutMs: call.timeoutMs,
      });
      const wrong = wrongWith(id, answer, subject.tolerateNulls);
      if (wrong.length === 0) return answer;
      throw new Error(
        `${inWords(id, answer)}\nThe specification disagrees:\n- ${wrong.join("\n- ")}`,
      );
    },
    async call(id, call) {
      const answer = await client.request(id, call);
      if (answer.status >= 300) throw new Error(inWords(id, answer));
      return answer.body as never;
    },
  };
  return client;
}

function bodyOf(takesJson: boolean, body: object | undefined): string | undefined {
  return takesJson ? JSON.stringify(body ?? {}) : undefined;
}

/** Fills a path's {parameters}; those that are not given are empty. */
export function pathOf(template: string, values: object): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent((values as Record<string, string | undefined>)[name] ?? ""),
  );
}

export function queryOf(values: QueryValues): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const one of [value].flat()) if (one !== undefined) parameters.append(name, String(one));
  }
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

/** A name that nothing else in the run has. */
export function unique(prefix: string): string {
  return `${prefix}-${randomBytes(5).toString("hex")}`;
}
