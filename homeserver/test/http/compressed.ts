/** Answers that are asked for as they go over the wire. */
import { server } from "./one-server.ts";

export const VERSIONS = "/_matrix/client/versions";

export const ask = (accept: string | undefined, url = VERSIONS, method: "GET" | "HEAD" = "GET") =>
  server.app.inject({ method, url, headers: accept ? { "accept-encoding": accept } : {} });
