import type { Support } from "../../src/client-api/support.ts";
import type { RtcTransport } from "../../src/client-api/rtc-transports.ts";
import type { TurnServers } from "../../src/client-api/voip.ts";
import { openidRoutes } from "../../src/federation-api/openid.ts";
import { createOpenIdTokens } from "../../src/users/accounts/openid.ts";
import type { InjectOptions } from "fastify";
import { registerRoutes } from "../../src/admin-api/register.ts";
import { accountRoutes } from "../../src/client-api/account-routes.ts";
import { createEncryption, type Encryption } from "../../src/encryption/index.ts";
import type { HttpServer } from "../../src/http/server.ts";
import { oauthRoutes, openSsoEntry } from "../../src/oauth-api/routes.ts";
import { createMedia } from "../../src/media/media.ts";
import type { Media } from "../../src/media/types.ts";
import { operations, type OperationId } from "@weft/spec/operations";
import { createValidators } from "@weft/spec/validators";
import { silentLogger } from "../../src/platform/logger.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { signingKeyFromSeed } from "../../src/protocol/crypto.ts";
import { errors } from "../../src/protocol/errors.ts";
import type { RemoteServer } from "../../src/federation-client/types.ts";
import { createRooms, type Rooms } from "../../src/rooms/index.ts";
import { NO_RETENTION } from "../../src/rooms/visibility/retention-rules.ts";
import { FREE_RULES, type RoomRules } from "../../src/rooms/creating/room-rules.ts";
import type { UrlPreviews } from "../../src/previews/index.ts";
import type { UsersOptions } from "../../src/users/users.ts";
import { serverWith } from "../http/support.ts";
import { HERE, openUsers, type TestUsers } from "../users/support.ts";
import { noServices } from "./no-services.ts";

interface Answer {
  status: number;
  headers: Record<string, string | string[] | number | undefined>;
  // A test reads whatever the answer holds.
  // oxlint-disable-next-line no-explicit-any
  body: any;
  raw: Buffer;
}

/** One server's account operations over its real HTTP layer, database, engine and files. */
export interface TestApi extends TestUsers {
  http: HttpServer;
  rooms: Rooms;
  media: Media;
  encryption: Encryption;
  call(method: string, path: string, body?: unknown, token?: string): Promise<Answer>;
  inject(options: InjectOptions): Promise<Answer>;
  /** Registers and answers what the client is told. */
  register(
    username: string,
    more?: object,
  ): Promise<{ user_id: string; access_token: string; device_id: string }>;
}

/** What clients are told. */
const BASE = "https://matrix.here.test/";

export const NO_SUPPORT: Support = { admins: [], security: [], page: undefined };

const noServers = new Proxy({} as RemoteServer, {
  get: () => async () => {
    throw errors.notFound("There are no other servers");
  },
});

type ApiOptions = Partial<UsersOptions> & {
  legacyMedia?: boolean;
  rules?: Partial<RoomRules>;
  turn?: TurnServers;
  rtcTransports?: readonly RtcTransport[];
  delayedEventsPerUser?: number;
  support?: Support;
  previews?: UrlPreviews;
};

export async function openApi(options: ApiOptions = {}): Promise<TestApi> {
  const t = await openUsers(options);
  const { users, sql, log, clock } = t;
  const rooms = createRooms({
    log,
    sql,
    serverName: HERE,
    signingKey: signingKeyFromSeed("ed25519:test", Buffer.alloc(32, 1)),
    clock,
    random: systemRandom,
    profiles: users.profiles,
    remote: noServers,
    keyRing: { keys: async (wanted) => wanted.map(() => undefined) },
    logger: silentLogger(),
  });
  const media = await createMedia({
    sql,
    clock,
    random: systemRandom,
    logger: silentLogger(),
    serverName: HERE,
    dataDir: t.dataDir,
    maxUploadBytes: 1_000_000,
    remote: { download: () => Promise.reject(errors.notFound("There are no other servers")) },
  });
  const encryption = createEncryption({
    ...{ sql, log, clock, random: systemRandom, logger: silentLogger(), serverName: HERE },
    ...{ rateLimits: () => false, leases: undefined, localKeys: users.keys, remote: noServers },
    backoff: { waitMs: () => 0, onAwake: () => () => undefined },
  });
  const openId = createOpenIdTokens({
    accounts: users.accounts,
    clock,
    random: systemRandom,
    secret: "s",
  });
  const routes = accountRoutes({
    ...{ users, media, rooms, encryption, openId, clock },
    serverName: HERE,
    ssoPages: openSsoEntry({ users, publicBaseUrl: BASE }),
    settings: {
      ...FREE_RULES,
      retention: NO_RETENTION,
      ...options.rules,
      turn: options.turn,
      support: options.support ?? NO_SUPPORT,
      rtcTransports: options.rtcTransports ?? [],
      delayedEventLimits: { perUser: options.delayedEventsPerUser ?? 100, maxDelayMs: 1_000 },
      legacyMedia: options.legacyMedia ?? false,
      urlPreviews: options.previews !== undefined,
    },
    sync: {
      deviceListChanges: async () => ({ changed: [], left: [] }),
      notifications: { list: async () => ({ notifications: [], next: undefined }) },
    },
    ...noServices,
    publicBaseUrl: BASE,
    previews: options.previews ?? { of: async () => "{}" },
    policyServer: undefined,
    webPushKey: "key",
  });
  const pages = oauthRoutes({ users, publicBaseUrl: BASE });
  const http = await serverWith(
    [...routes, ...pages, ...registerRoutes({ users }), ...openidRoutes({ openId })],
    {
      authenticator: users.sessions,
    },
  );

  async function inject(request: InjectOptions): Promise<Answer> {
    const answer = await http.app.inject(request);
    const isJson = String(answer.headers["content-type"]).includes("application/json");
    const body = isJson && answer.body !== "" ? JSON.parse(answer.body) : answer.body;
    if (isJson) ensureAsSpecified(request, answer.statusCode, body);
    return { status: answer.statusCode, headers: answer.headers, body, raw: answer.rawPayload };
  }

  const call: TestApi["call"] = (method, path, body, token) =>
    inject({
      method,
      url: path.startsWith("/") ? path : `/_matrix/client/v3/${path}`,
      ...(body !== undefined && { payload: JSON.stringify(body) }),
      headers: {
        "content-type": "application/json",
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
    });

  return {
    ...t,
    http,
    rooms,
    media,
    encryption,
    call,
    inject,
    async register(username, more = {}) {
      const auth = { type: "m.login.dummy" };
      const answer = await call("POST", "register", { username, password: "pw", auth, ...more });
      if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
      return answer.body;
    },
    async close() {
      await http.close(500);
      await media.stop();
      await encryption.stop();
      await rooms.stop();
      await t.close();
    },
  };
}

const validators = createValidators();

/** Every JSON answer is one that the specification's schemas describe. */
function ensureAsSpecified(request: InjectOptions, status: number, body: unknown): void {
  const path = (request.url as string).split("?")[0]!;
  const found = Object.entries(operations).find(
    ([, { method, path: pattern, aliases }]) =>
      method === (request.method ?? "GET") &&
      [pattern, ...(aliases as readonly string[])].some((one) => matches(one, path)),
  );
  if (found === undefined) throw new Error(`${path} is no operation`);
  if (found[1].response !== "json" && status < 400) return;
  const problems = validators.response(found[0] as OperationId, status, body);
  if (problems.length > 0) throw new Error(`${found[0]} ${status}: ${problems.join("; ")}`);
}

function matches(pattern: string, path: string): boolean {
  const source = pattern
    .split(/\{\w+\}/)
    .map((part) => part.replaceAll(/[.$]/g, "\\$&"))
    .join("[^/]+");
  return new RegExp(`^${source}$`).test(path);
}
