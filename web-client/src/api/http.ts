import type { ResponseBody } from "@weft/spec/types";
import type {
  AddressOptions,
  CallOptions,
  FileOperationId,
  MethodOf,
  OperationId,
  PathOf,
} from "./contract.ts";
import { ApiError, isAbort, NetworkError } from "./errors.ts";
import type { Socket } from "./socket.ts";
import { SocketLost } from "./socket-line.ts";
import type { Content } from "./types.ts";

export type Query = Record<string, string | number | boolean | string[] | undefined>;

interface RequestOptions {
  /** Values for the `{name}` parts of the path. */
  path?: Record<string, string>;
  query?: Query;
  body?: unknown;
  /** A body that is JSON already, in place of `body`. */
  json?: string;
  signal?: AbortSignal;
  /** Milliseconds until the request is given up; 60 s when absent. */
  timeout?: number;
  /** The answer is a file, which no socket carries. */
  isFile?: boolean;
  /** In which language the server writes to people about this: a tag. No socket carries it. */
  language?: string;
}

/** Where the tokens are: `current` now, `renew` after the server refused `used`. */
export interface TokenSource {
  current(): Promise<string | undefined>;
  /** A fresh token, or undefined when there is none and the refusal stands. */
  renew(used: string, refusal: ApiError): Promise<string | undefined>;
}

/** One token, which is not renewed: for what is asked before a session is open, or after it. */
export const withToken = (token: string): TokenSource => ({
  current: async () => token,
  renew: async () => undefined,
});

/** Requests of the contract. Each call names its operation: `call<"sync">("GET", "/_matrix/client/v3/sync", …)`. */
export interface Http {
  /** JSON in, JSON out. Throws ApiError or NetworkError; an aborted signal throws its AbortError. */
  call<Id extends OperationId = never>(
    method: MethodOf<Id>,
    path: PathOf<Id>,
    options: CallOptions<Id>,
  ): Promise<ResponseBody<Id>>;
  /** The same for what the contract does not know. */
  request<T = Content>(method: string, path: string, options?: RequestOptions): Promise<T>;
  /** The same with JSON as text, both ways. */
  text(method: string, path: string, options?: RequestOptions): Promise<string>;
  /** A file with the token in its header: the body as a Blob. */
  blob<Id extends FileOperationId = never>(
    path: PathOf<Id>,
    options: CallOptions<Id>,
  ): Promise<Blob>;
  /** The absolute address of an operation. */
  url<Id extends OperationId = never>(path: PathOf<Id>, options: AddressOptions<Id>): string;
  token(): Promise<string | undefined>;
}

/** Fills `{name}` parts and appends the query. */
export function expand(
  template: string,
  path: Record<string, string> = {},
  query: Query = {},
): string {
  const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = path[name];
    if (value === undefined) throw new Error(`No value for {${name}} in ${template}`);
    return encodeURIComponent(value);
  });
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [String(value)]) search.append(name, one);
  }
  const tail = search.toString();
  return tail === "" ? filled : `${filled}?${tail}`;
}

async function readError(response: Response): Promise<ApiError> {
  try {
    const body: unknown = await response.json();
    return new ApiError(
      response.status,
      typeof body === "object" && body !== null ? (body as Content) : {},
    );
  } catch {
    return new ApiError(response.status, {});
  }
}

/** The JSON that is sent. */
function textOf({ json, body }: RequestOptions): string | undefined {
  return json ?? (body === undefined ? undefined : JSON.stringify(body));
}

function signalFor(options: RequestOptions): AbortSignal {
  const timeout = AbortSignal.timeout(options.timeout ?? 60_000);
  return options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]);
}

/**
 * The one place where requests leave the page: over the socket where one is open, over HTTP otherwise, and again over HTTP when
 * the socket broke before the answer to what may be asked twice.
 */
export function createHttp(baseUrl: string, tokens?: TokenSource, socket?: Socket): Http {
  async function once(
    method: string,
    path: string,
    options: RequestOptions,
    token: string | undefined,
  ): Promise<Response> {
    const isCarried = options.isFile !== true && options.language === undefined;
    if (socket?.$state.get() === "open" && token !== undefined && isCarried) {
      const body = textOf(options);
      try {
        const signal = signalFor(options);
        const { status, text } = await socket.request(method, path, body, token, signal);
        return new Response(text, { status });
      } catch (error) {
        if (!(error instanceof SocketLost)) throw error;
        if (error.wasSent && method !== "GET" && method !== "PUT") throw new NetworkError(error);
      }
    }
    return overHttp(method, baseUrl + path, options, token);
  }

  async function overHttp(
    method: string,
    address: string,
    options: RequestOptions,
    token: string | undefined,
  ) {
    const headers: Record<string, string> = {};
    if (token !== undefined) headers["Authorization"] = `Bearer ${token}`;
    if (options.language !== undefined) headers["Accept-Language"] = options.language;
    const sent = textOf(options);
    if (sent !== undefined) headers["Content-Type"] = "application/json";
    try {
      return await fetch(address, {
        method,
        headers,
        body: sent,
        signal: signalFor(options),
        credentials: "omit",
      });
    } catch (error) {
      if (isAbort(error)) throw error;
      throw new NetworkError(error);
    }
  }

  async function send(method: string, path: string, options: RequestOptions): Promise<Response> {
    const address = expand(path, options.path, options.query);
    const token = await tokens?.current();
    const response = await once(method, address, options, token);
    if (response.ok) return response;
    const error = await readError(response);
    if (error.errcode === "M_UNKNOWN_TOKEN" && token !== undefined) {
      const fresh = await tokens?.renew(token, error);
      if (fresh !== undefined) {
        const again = await once(method, address, options, fresh);
        if (again.ok) return again;
        throw await readError(again);
      }
    }
    throw error;
  }

  async function bodyOf<T>(
    response: Response,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    try {
      return await read(response);
    } catch (error) {
      if (isAbort(error)) throw error;
      throw new NetworkError(error);
    }
  }

  async function request<T>(
    method: string,
    path: string,
    options: RequestOptions = {},
  ): Promise<T> {
    const bare = method !== "GET" && method !== "DELETE" && options.body === undefined;
    const response = await send(method, path, bare ? { ...options, body: {} } : options);
    return bodyOf(response, (answer) => answer.json() as Promise<T>);
  }

  return {
    call: (method, path, options) => request(method, path, options as RequestOptions),
    request,
    async text(method, path, options = {}) {
      return bodyOf(await send(method, path, options), (answer) => answer.text());
    },
    async blob(path, options) {
      const file = { ...(options as RequestOptions), isFile: true };
      return bodyOf(await send("GET", path, file), (answer) => answer.blob());
    },
    url: (path, { path: values, query }: RequestOptions) => baseUrl + expand(path, values, query),
    token: async () => tokens?.current(),
  };
}
