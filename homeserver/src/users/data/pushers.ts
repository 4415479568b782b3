import { checkLiteral } from "../../federation-client/connecting/addresses.ts";
import type { Log } from "../../log/types.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import { errors, matrixError } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { parseSubscriber } from "../../protocol/push/web-push.ts";
import {
  type Activation,
  activatePusher,
  deleteOthersPushers,
  deletePusher,
  prunePushers,
  type PusherFields,
  pushersOf,
  putPusher,
} from "../../storage/push/pushers.ts";
import type { Sql, Tx } from "../../storage/sql.ts";
import { plainText } from "../common/text.ts";
import { type Addresses, EMAIL_APP } from "../contacts/addresses.ts";
import type { Confirmations } from "../contacts/confirmations.ts";
import { canonicalEmail } from "../contacts/email.ts";

/** A pusher as its user's clients see it. */
interface Pusher extends Omit<PusherFields, "data" | "profileTag"> {
  readonly profileTag?: string | undefined;
  readonly data: JsonObject;
  /** Whether a pusher for web push is told anything; undefined for others. */
  readonly isActive?: boolean;
}

/** What a client asks for: what it left out is undefined. */
type WishedPusher = Pick<Pusher, "appId" | "pushkey"> & Partial<Pusher> & { readonly kind: string };

/**
 * What wakes users' devices. A pusher ends with the session that set it. (Client-server API, "Push
 * Notifications".)
 */
export interface Pushers {
  list(userId: UserId): Promise<Pusher[]>;
  /**
   * POST /pushers/set: makes or changes a pusher. Unless `append`, those of other users with the
   * same app and pushkey are deleted. False: its client has to activate it (MSC4174).
   * @throws MatrixError M_MISSING_PARAM, M_INVALID_PARAM, M_THREEPID_NOT_FOUND (all 400)
   */
  set(
    owner: { readonly userId: UserId; readonly deviceId: string },
    wished: WishedPusher,
    append: boolean,
  ): Promise<boolean>;
  /**
   * Activates a pusher for web push by the token that it was sent. (MSC4174)
   * @throws MatrixError M_NOT_FOUND 404, M_UNKNOWN_ACTIVATION_TOKEN 400
   */
  activate(userId: UserId, appId: string, token: string): Promise<void>;
  /** Deletes a pusher, if it is there. */
  remove(userId: UserId, appId: string, pushkey: string): Promise<void>;
}

/** Pushers of one user. */
const MAX_PUSHERS = 50;
const MAX_PUSHKEY_BYTES = 512;
const MAX_APP_ID_BYTES = 256;
const MAX_NAME_BYTES = 1_000;
const MAX_URL_BYTES = 2_048;
const MAX_DATA_BYTES = 16_384;
const NOTIFY_PATH = "/_matrix/push/v1/notify";
/** The kind of pushers for web push: by its name, and by the one until it is accepted. (MSC4174) */
const WEB_PUSH: ReadonlySet<string> = new Set(["webpush", "org.matrix.msc4174.webpush"]);
const ACTIVATION_MS = 5 * 60_000;

export function createPushers(deps: {
  readonly sql: Sql;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly addresses: Pick<Addresses, "ownerOf">;
  readonly confirmations: Pick<Confirmations, "isOffered">;
  /** Whether gateways may be at private addresses, and without TLS. */
  readonly allowPrivateGateways?: boolean;
}): Pushers {
  const { sql, log, clock, random, allowPrivateGateways: allowPrivate = false } = deps;

  /** What a pusher has to send back first; undefined: nothing, or it has already. */
  async function activationOf(
    tx: Tx,
    userId: UserId,
    pusher: PusherFields,
  ): Promise<Activation | undefined> {
    if (!WEB_PUSH.has(pusher.kind)) return undefined;
    const known = (await pushersOf(tx, userId)).find(
      ({ appId, pushkey }) => appId === pusher.appId && pushkey === pusher.pushkey,
    );
    if (known?.isActive === true && WEB_PUSH.has(known.kind) && isSamePlace(known, pusher)) {
      return undefined;
    }
    return { token: random.alphanumeric(32), expires: clock.now() + ACTIVATION_MS };
  }

  /** @throws MatrixError M_INVALID_PARAM, M_THREEPID_NOT_FOUND (both 400) */
  async function mailing(userId: UserId, wished: WishedPusher): Promise<PusherFields> {
    if (!deps.confirmations.isOffered) {
      throw errors.invalidParam("This server sends no e-mail: pushers are of the kind http");
    }
    if (wished.appId !== EMAIL_APP) throw errors.invalidParam(`app_id must be ${EMAIL_APP}`);
    const pushkey = canonicalEmail(wished.pushkey);
    if (pushkey === undefined || (await deps.addresses.ownerOf(pushkey)) !== userId) {
      throw matrixError("M_THREEPID_NOT_FOUND", "That address is none of the account's");
    }
    return fieldsOf({ ...wished, pushkey }, wished.data ?? {});
  }

  return {
    async list(userId) {
      const rows = await pushersOf(sql, userId);
      return rows.map(({ profileTag, data, isActive, ...fields }) => ({
        ...fields,
        ...(profileTag !== null && { profileTag }),
        ...(WEB_PUSH.has(fields.kind) && { isActive }),
        data: JSON.parse(data) as JsonObject,
      }));
    },

    async set({ userId, deviceId: ofSession }, wished, append) {
      const isEmail = wished.kind === "email";
      const pusher = isEmail ? await mailing(userId, wished) : checked(wished, allowPrivate);
      // Mails are for those who are not there: they go on when their session ends.
      const deviceId = isEmail ? "" : ofSession;
      return log.change(async ({ tx, record }) => {
        const { appId, pushkey } = pusher;
        const others = append ? [] : await deleteOthersPushers(tx, userId, appId, pushkey);
        const activation = await activationOf(tx, userId, pusher);
        await putPusher(tx, { userId, deviceId }, pusher, clock.now(), activation);
        await prunePushers(tx, userId, MAX_PUSHERS);
        for (const changed of new Set([...others, userId])) {
          record({ kind: "pusher", userId: changed });
        }
        return activation === undefined;
      });
    },

    async activate(userId, appId, token) {
      const done =
        isStorable(appId) &&
        isStorable(token) &&
        (await log.change(async ({ tx, record }) => {
          const found = await activatePusher(tx, { userId, appId, token }, clock.now());
          if (found === true) record({ kind: "pusher", userId });
          return found;
        }));
      if (done === undefined) throw errors.notFound("There is no pusher of that app");
      if (!done) {
        const problem = "No pusher waits for that token: it may be too old";
        throw matrixError("M_UNKNOWN_ACTIVATION_TOKEN", problem);
      }
    },

    async remove(userId, appId, given) {
      if (!isStorable(appId) || !isStorable(given)) return;
      const pushkey = appId === EMAIL_APP ? (canonicalEmail(given) ?? given) : given;
      await log.change(async ({ tx, record }) => {
        if (await deletePusher(tx, userId, appId, pushkey)) record({ kind: "pusher", userId });
      });
    },
  };
}

/** Whether both lead to the same app. */
function isSamePlace(one: PusherFields, other: PusherFields): boolean {
  const [a, b] = [one, other].map(({ data }) => JSON.parse(data) as JsonObject);
  return a!.url === b!.url && a!.auth === b!.auth;
}

const isStorable = (text: string) => text.isWellFormed() && !text.includes("\0");

function checked(wished: WishedPusher, allowPrivate: boolean): PusherFields {
  const { kind } = wished;
  const isWebPush = WEB_PUSH.has(kind);
  if (kind !== "http" && !isWebPush) throw errors.invalidParam("There is no such kind of pushers");
  const data = given(wished.data, "data");
  checkAddress(data.url, allowPrivate, isWebPush ? undefined : NOTIFY_PATH);
  if (isWebPush && parseSubscriber(wished.pushkey, data.auth) === undefined) {
    throw errors.invalidParam("pushkey or data.auth is not what a web push subscription has");
  }
  return fieldsOf(wished, data);
}

function fieldsOf(wished: WishedPusher, data: JsonObject): PusherFields {
  const { kind, profileTag } = wished;
  const text = JSON.stringify(data);
  if (Buffer.byteLength(text) > MAX_DATA_BYTES) {
    throw errors.invalidParam(`data is longer than ${MAX_DATA_BYTES} bytes`);
  }
  if (!isStorable(text) || text.includes("\\u0000") || /\\ud[89a-f]/i.test(text)) {
    throw errors.invalidParam("data holds characters that are not allowed");
  }
  const name = (value: string | undefined, what: string) =>
    plainText(given(value, what), what, MAX_NAME_BYTES);
  return {
    appId: plainText(wished.appId, "app_id", MAX_APP_ID_BYTES),
    pushkey: plainText(wished.pushkey, "pushkey", MAX_PUSHKEY_BYTES),
    kind,
    appDisplayName: name(wished.appDisplayName, "app_display_name"),
    deviceDisplayName: name(wished.deviceDisplayName, "device_display_name"),
    profileTag: profileTag === undefined ? null : name(profileTag, "profile_tag"),
    lang: name(wished.lang, "lang"),
    data: text,
  };
}

function given<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw errors.missingParam(`A pusher needs ${what}`);
  return value;
}

/** Throws unless it is an address that this server may call, with that path. */
function checkAddress(given: unknown, allowPrivate: boolean, path: string | undefined): void {
  if (given === undefined) throw errors.missingParam("A pusher needs data.url");
  const text = plainText(given, "data.url", MAX_URL_BYTES);
  const url = URL.parse(text);
  if (url === null) throw errors.invalidParam("data.url is no URL");
  const isSafe = url.protocol === "https:" || (allowPrivate && url.protocol === "http:");
  if (!isSafe) throw errors.invalidParam("data.url must begin with https://");
  if (path !== undefined && url.pathname !== path) {
    throw errors.invalidParam(`The path of data.url must be ${path}`);
  }
  if (url.username !== "" || url.password !== "" || url.hash !== "") {
    throw errors.invalidParam("data.url holds more than an address");
  }
  try {
    checkLiteral(url.hostname, allowPrivate);
  } catch {
    throw errors.invalidParam("data.url is at a private address");
  }
}
