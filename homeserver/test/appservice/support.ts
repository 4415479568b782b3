/** What tests of application services share: registrations, and requests with their tokens. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Body, Served } from "../support/user.ts";

interface RegistrationChange {
  readonly users?: readonly object[];
  readonly aliases?: readonly object[];
  readonly rooms?: readonly object[];
  readonly [key: string]: unknown;
}

/** A registration with changes; a key that is undefined is left out. */
export function registrationText(change: RegistrationChange = {}): string {
  const { users = [], aliases = [], rooms = [], ...keys } = change;
  return stringify({
    id: "bridge",
    url: "http://127.0.0.1:9",
    as_token: "as-token",
    hs_token: "hs-token",
    sender_localpart: "bridgebot",
    namespaces: { users, aliases, rooms },
    ...keys,
  });
}

/** A folder of registration files, by their names without the ending. */
export function registrationFolder(texts: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), "weft-appservices-"));
  const write = (name: string, text: string) => writeFileSync(join(folder, `${name}.yaml`), text);
  for (const [name, text] of Object.entries(texts)) write(name, text);
  return {
    folder,
    write,
    delete: (name: string) => rmSync(join(folder, `${name}.yaml`)),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export interface ServiceAnswer {
  readonly status: number;
  readonly body: Body;
}

/** Requests with a service's token; `as` is the user id that it acts as. */
export function serviceClient(server: Served, token: string) {
  async function ask(
    method: string,
    path: string,
    body?: unknown,
    role: { as?: string; device?: string; version?: string; query?: object } = {},
  ): Promise<ServiceAnswer> {
    const { as, device, version = "v3", query } = role;
    const url = new URL(`${server.baseUrl}/_matrix/client/${version}${path}`);
    if (as !== undefined) url.searchParams.set("user_id", as);
    if (device !== undefined) url.searchParams.set("device_id", device);
    for (const [key, value] of Object.entries(query ?? {})) {
      url.searchParams.set(key, String(value));
    }
    const response = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Body };
  }

  async function call(...[method, path, body, role]: Parameters<typeof ask>): Promise<Body> {
    const answer = await ask(method, path, body, role);
    if (answer.status !== 200) {
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return answer.body;
  }

  return {
    ask,
    call,
    /** Opens an account without a session, and answers its user id. */
    async ghost(username: string): Promise<string> {
      const type = "m.login.application_service";
      return (await call("POST", "/register", { type, username, inhibit_login: true })).user_id;
    },
  };
}
