import { createHash } from "node:crypto";
import type { TestApi } from "../client-api/support.ts";
import type { Body } from "../support/user.ts";

export const APP = "https://app.example/callback";
export const SCOPE = "urn:matrix:client:api:* urn:matrix:client:device:";
export const VERIFIER = "v".repeat(64);
const CHALLENGE = createHash("sha256").update(VERIFIER).digest("base64url");

/** What a web client says of itself. */
export const WEB_CLIENT = {
  client_name: "An app",
  client_uri: "https://app.example/",
  redirect_uris: [APP],
  grant_types: [
    "authorization_code",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:device_code",
  ],
  response_types: ["code"],
  token_endpoint_auth_method: "none",
  application_type: "web",
};

interface Seen {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** The page, or what JSON stands for. */
  readonly body: Body;
  readonly location: string;
}

/** A browser that keeps its cookie, and fills in forms. */
export interface TestBrowser {
  cookie: string | undefined;
  get(path: string): Promise<Seen>;
  /** Sends the form of a page, with the hidden fields that it has. */
  send(page: Seen, path: string, fields: Record<string, string>, headers?: object): Promise<Seen>;
  /** Signs in, and goes on to a page. */
  signIn(username: string, password: string, next?: string): Promise<Seen>;
}

export async function postForm(
  api: TestApi,
  path: string,
  fields: Record<string, string> | [string, string][],
): Promise<Seen> {
  const answer = await api.inject({
    method: "POST",
    url: path,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    payload: new URLSearchParams(fields).toString(),
  });
  return { ...answer, location: String(answer.headers["location"] ?? "") };
}

/** `language` is what it says that its user likes (Accept-Language). */
export function openBrowser(api: TestApi, language?: string): TestBrowser {
  const browser: TestBrowser = {
    cookie: undefined,
    get: (url) => ask({ method: "GET", url }),
    send(page, url, fields, headers = {}) {
      const payload = new URLSearchParams({ ...hiddenIn(page.body), ...fields }).toString();
      const type = { "content-type": "application/x-www-form-urlencoded" };
      return ask({ method: "POST", url, payload, headers: { ...type, ...headers } });
    },
    async signIn(username, password, next) {
      const query = next === undefined ? "" : `?${new URLSearchParams({ next }).toString()}`;
      const page = await browser.get(`/_weft/account/sign-in${query}`);
      return await browser.send(page, "/_weft/account/sign-in", { username, password });
    },
  };

  async function ask(request: {
    method: "GET" | "POST";
    url: string;
    payload?: string;
    headers?: object;
  }): Promise<Seen> {
    const cookie = browser.cookie === undefined ? {} : { cookie: browser.cookie };
    const liked = language === undefined ? {} : { "accept-language": language };
    const headers = { ...cookie, ...liked, ...request.headers };
    const answer = await api.inject({ ...request, headers });
    const set = answer.headers["set-cookie"];
    if (typeof set === "string") browser.cookie = set.split(";")[0];
    return { ...answer, location: String(answer.headers["location"] ?? "") };
  }

  return browser;
}

/** The hidden fields of the first form of a page. */
export function hiddenIn(page: string): Record<string, string> {
  const form = /<form[\s\S]*?<\/form>/.exec(page)?.[0] ?? "";
  const fields = form.matchAll(/<input\s+type="hidden"\s+name="(\w+)"\s+value="([^"]*)"/g);
  return Object.fromEntries(
    [...fields].map(([, name, value]) => [
      name!,
      value!.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&"),
    ]),
  );
}

export async function registerClient(api: TestApi, more: object = {}): Promise<string> {
  const answer = await api.call("POST", "/_weft/oauth/register", { ...WEB_CLIENT, ...more });
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  return answer.body.client_id;
}

/** The path of an authorisation request; members that are undefined are left out. */
export function authorizePath(
  clientId: string,
  more: Record<string, string | undefined> = {},
): string {
  const all = {
    response_type: "code",
    client_id: clientId,
    redirect_uri: APP,
    scope: `${SCOPE}DEVICE`,
    state: "a state",
    response_mode: "query",
    code_challenge: CHALLENGE,
    code_challenge_method: "S256",
    ...more,
  };
  const given = Object.entries(all).filter(
    (each): each is [string, string] => each[1] !== undefined,
  );
  return `/_weft/oauth/authorize?${new URLSearchParams(given).toString()}`;
}

/** Somebody who is signed in lets a client in. @returns the code */
export async function allow(browser: TestBrowser, path: string): Promise<string> {
  const page = await browser.get(path);
  const answer = await browser.send(page, "/_weft/oauth/authorize", { decision: "allow" });
  const code = new URL(answer.location.replace("#", "?")).searchParams.get("code");
  if (code === null) throw new Error(`no code in ${answer.location}`);
  return code;
}

export const exchange = (
  api: TestApi,
  clientId: string,
  code: string,
  more: Record<string, string> = {},
): Promise<Seen> =>
  postForm(api, "/_weft/oauth/token", {
    grant_type: "authorization_code",
    client_id: clientId,
    code,
    redirect_uri: APP,
    code_verifier: VERIFIER,
    ...more,
  });

export const refresh = (api: TestApi, clientId: string, token: string): Promise<Seen> =>
  postForm(api, "/_weft/oauth/token", {
    grant_type: "refresh_token",
    client_id: clientId,
    refresh_token: token,
  });
