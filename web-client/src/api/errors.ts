import type { Content } from "./types.ts";

/** The homeserver answered with an error. `errcode` is the spec's code, `data` the whole body. */
export class ApiError extends Error {
  readonly status: number;
  readonly errcode: string;
  readonly data: Content;

  constructor(status: number, data: Content) {
    super(typeof data["error"] === "string" ? data["error"] : `HTTP ${status}`);
    this.name = "ApiError";
    this.status = status;
    this.errcode = typeof data["errcode"] === "string" ? data["errcode"] : "M_UNKNOWN";
    this.data = data;
  }

  /** Milliseconds that the server asks us to wait (429), or undefined. */
  get retryAfter(): number | undefined {
    const value = this.data["retry_after_ms"];
    return typeof value === "number" ? value : undefined;
  }

  /** True when the same request may succeed later without any change. */
  get transient(): boolean {
    return this.status === 429 || this.status >= 500;
  }
}

/** No answer came: the server is away, or the network is. */
export class NetworkError extends Error {
  constructor(cause: unknown) {
    super("The homeserver cannot be reached", { cause });
    this.name = "NetworkError";
  }
}

/** True when trying the same request again may help. */
export function isTransient(error: unknown): boolean {
  return error instanceof NetworkError || (error instanceof ApiError && error.transient);
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
