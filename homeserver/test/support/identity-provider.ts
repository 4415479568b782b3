/** A real provider of OpenID Connect, on loopback. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Configuration, Provider } from "oidc-provider";
import { Agent } from "undici";
import type { ProviderSettings } from "../../src/users/sso/types.ts";

export interface IdentityProvider {
  readonly issuer: string;
  /** Claims of the people there, by their subjects. */
  readonly people: Map<string, Record<string, unknown>>;
  /** What its ID tokens say otherwise, by the same. */
  readonly inTokens: Map<string, Record<string, unknown>>;
  /** What the settings of a homeserver say of it. */
  settings(more?: Partial<ProviderSettings>): ProviderSettings;
  /**
   * Signs somebody in who has come to `address`, as a browser of theirs would, with the cookies of
   * an earlier visit if they are given.
   * @returns the address to which the browser goes back
   */
  signIn(address: string, subject: string, cookies?: Map<string, string>): Promise<string>;
  /** The same, but they say no. */
  refuse(address: string): Promise<string>;
  close(): Promise<void>;
}

const SECRET = "a secret between the two";

export async function startIdentityProvider(
  callbacks: readonly string[],
  { idTokenLifeS, ...more }: Configuration & { idTokenLifeS?: number } = {},
): Promise<IdentityProvider> {
  const people = new Map<string, Record<string, unknown>>();
  const inTokens = new Map<string, Record<string, unknown>>();
  let handle: (request: IncomingMessage, response: ServerResponse) => unknown = () => undefined;
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "weft",
        client_secret: SECRET,
        redirect_uris: [...callbacks],
        grant_types: ["authorization_code"],
        response_types: ["code"],
      },
    ],
    cookies: { keys: ["a key of cookies"] },
    claims: {
      openid: ["sub"],
      profile: ["name", "preferred_username"],
      email: ["email", "email_verified"],
    },
    conformIdTokenClaims: false,
    findAccount: (_context, subject) => ({
      accountId: subject,
      claims: (use) => ({
        ...people.get(subject),
        ...(use === "id_token" && inTokens.get(subject)),
        sub: subject,
      }),
    }),
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    async loadExistingGrant(context) {
      const { client, session } = context.oidc;
      const grant = new context.oidc.provider.Grant({
        clientId: client!.clientId,
        accountId: session!.accountId!,
      });
      grant.addOIDCScope("openid profile email");
      await grant.save();
      return grant;
    },
    ...more,
    ttl: {
      ...{ Interaction: () => 600, Grant: () => 600, Session: () => 600, AccessToken: () => 600 },
      ...{ IdToken: () => 600, ...more.ttl },
    },
  });
  if (idTokenLifeS !== undefined) {
    const made = provider.IdToken as unknown as { expiresIn(): number };
    made.expiresIn = () => idTokenLifeS;
  }
  const answer = provider.callback();
  handle = async (request, response) => {
    const { pathname, searchParams } = new URL(request.url!, issuer);
    if (!pathname.startsWith("/interaction/")) return answer(request, response);
    const subject = searchParams.get("subject");
    if (subject === null) {
      response.setHeader("content-type", "text/html");
      response.end(PAGE);
      return;
    }
    await provider.interactionFinished(
      request,
      response,
      subject === "" ? { error: "access_denied" } : { login: { accountId: subject } },
    );
  };

  async function visit(
    address: string,
    subject: string,
    cookies = new Map<string, string>(),
  ): Promise<string> {
    for (let at = address, steps = 0; steps < 10; steps += 1) {
      const url = new URL(at, issuer);
      if (url.origin !== issuer) return url.href;
      if (url.pathname.startsWith("/interaction/")) url.searchParams.set("subject", subject);
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
      const response = await fetch(url, { redirect: "manual", headers: { cookie } });
      for (const each of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(each)!;
        cookies.set(name!, value!);
      }
      const location = response.headers.get("location");
      if (location === null) throw new Error(`${response.status}: ${await response.text()}`);
      at = location;
    }
    throw new Error(`${address} leads nowhere`);
  }

  return {
    issuer,
    people,
    inTokens,
    settings: (changed = {}) => ({
      ...{ id: "idp", name: "The Provider", icon: undefined, brand: undefined, issuer },
      ...{ clientId: "weft", clientSecret: SECRET, clientAuth: "basic" },
      scopes: ["openid", "profile"],
      claims: { localpart: "preferred_username", displayName: "name" },
      opensAccounts: true,
      linksByName: false,
      ...changed,
    }),
    signIn: visit,
    refuse: (address) => visit(address, ""),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const PAGE = `<!doctype html><html lang="en"><title>The Provider</title><main><h1>The Provider</h1>
<form><label>Who are you? <input name="subject"></label><button>Sign in</button></form></main></html>`;

/** Agents that reach loopback, and nothing else is asked of them. */
export function openAgents() {
  const [named, guarded] = [new Agent(), new Agent()];
  return {
    agents: { named, guarded },
    close: () => Promise.all([named.destroy(), guarded.destroy()]),
  };
}
