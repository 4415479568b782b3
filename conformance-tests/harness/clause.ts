import { inject, test } from "vitest";
import type { Subject } from "./subject.ts";

declare module "vitest" {
  interface ProvidedContext {
    subject: Subject;
  }
  interface TaskMeta {
    /** The place in the specification that a test holds the server to. */
    clause?: string;
  }
}

/** The server under test of this run. */
export function theSubject(): Subject {
  return inject("subject");
}

/**
 * A test of one clause: `reference` is a page of the specification and an anchor in it, without the common
 * part of the address: "client-server-api#creation" is
 * https://spec.matrix.org/v1.19/client-server-api/#creation.
 */
export function clause(
  reference: string,
  name: string,
  run: () => Promise<void>,
  timeout = 30_000,
) {
  test(name, { timeout, meta: { clause: reference } }, run);
}

/** A place in the client-server API, for `clause`. */
export const clientApi = (anchor: string) => `client-server-api#${anchor}`;
/** A place in the server-server API, for `clause`. */
export const serverApi = (anchor: string) => `server-server-api#${anchor}`;
/** A place in the application service API, for `clause`. */
export const serviceApi = (anchor: string) => `application-service-api#${anchor}`;
/** A place in the push gateway API, for `clause`. */
export const gatewayApi = (anchor: string) => `push-gateway-api#${anchor}`;
