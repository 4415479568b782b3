import type { JsonObject, paths } from "@weft/spec/types";

/** The HTTP methods of the contract. */
export type Method = "GET" | "PUT" | "POST" | "DELETE";

/** The paths of the contract that have this method. */
export type PathWith<M extends Method> = {
  [P in keyof paths]: paths[P] extends { [K in Lowercase<M>]: infer Operation }
    ? [Operation] extends [undefined]
      ? never
      : P
    : never;
}[keyof paths];

type Operation<M extends Method, P extends keyof paths> = paths[P] extends {
  [K in Lowercase<M>]: infer Found;
}
  ? Found
  : never;

type PathValues<Op> = Op extends {
  parameters: { path: infer Values extends Record<string, string> };
}
  ? { path: Values }
  : { path?: undefined };

type QueryValues<Op> = Op extends { parameters: { query?: infer Values } }
  ? { query?: Values }
  : unknown;

/** Where the contract takes any object, so does a call. */
type Open<Value> = JsonObject extends Value ? object : Value;

type Body<Op> = Op extends { requestBody?: { content: { "application/json": infer Value } } }
  ? { body?: Open<Value> }
  : { body?: undefined };

/** What a call to an operation takes: its path and query values, its body, and how long to wait. */
export type CallOptions<M extends Method, P extends keyof paths> = PathValues<Operation<M, P>> &
  QueryValues<Operation<M, P>> &
  Body<Operation<M, P>> & { signal?: AbortSignal; timeout?: number };

/** The JSON of an operation's successful answer. */
export type Answer<M extends Method, P extends keyof paths> =
  Operation<M, P> extends { responses: { 200: { content: { "application/json": infer Value } } } }
    ? Value
    : unknown;
