import { atom, type ReadableAtom, type WritableAtom } from "nanostores";
import { createServerAdmin } from "../../api/admin/server.ts";
import { createUsersAdmin } from "../../api/admin/users.ts";
import { ApiError, NetworkError } from "../../api/errors.ts";
import type { Http } from "../../api/http.ts";
import type { Client } from "../../store/client.ts";
import { explainAct } from "../../text/act-problems.ts";

/** What is to be said, to whom. */
export interface Notice {
  /** Nobody gets one number twice, however often it is sent. */
  readonly id: string;
  readonly text: string;
  readonly to: readonly string[];
}

/** How far a notice is. */
export interface Sending {
  readonly notice: Notice;
  readonly sent: number;
  /** Who could not be told, and why. */
  readonly failed: readonly (readonly [userId: string, why: string])[];
  readonly state: "sending" | "stopped" | "done";
}

/** How many are told at once. */
const AT_ONCE = 4;
const PAGE = 500;

const sendings = new WeakMap<Client, WritableAtom<Sending | undefined>>();
const keyOf = (client: Client): string => `weft.notice ${client.session.userId}`;

/** What is being sent, also after its page was left; and what was cut off when the window was closed. */
export function sendingOf(client: Client): ReadableAtom<Sending | undefined> {
  return own(client);
}

function own(client: Client): WritableAtom<Sending | undefined> {
  let $sending = sendings.get(client);
  if ($sending === undefined) {
    const kept = read(client);
    $sending = atom(kept && { notice: kept, sent: 0, failed: [], state: "stopped" });
    sendings.set(client, $sending);
  }
  return $sending;
}

function read(client: Client): Notice | undefined {
  try {
    const kept = JSON.parse(localStorage.getItem(keyOf(client)) ?? "null") as Notice | null;
    const isWhole = typeof kept?.text === "string" && Array.isArray(kept.to);
    return isWhole ? kept : undefined;
  } catch {
    return undefined;
  }
}

function keep(client: Client, notice: Notice | undefined): void {
  try {
    if (notice === undefined) localStorage.removeItem(keyOf(client));
    else localStorage.setItem(keyOf(client), JSON.stringify(notice));
  } catch {
    // Too many people for what a browser keeps: it is sent all the same, as long as the window is open.
  }
}

/** Whether nobody could be told now: the server is away, or the session has ended. */
const isCutOff = (error: unknown): boolean =>
  error instanceof NetworkError || (error instanceof ApiError && error.status === 401);

/** Begins, or goes on with what was stopped: who has been told is not told again. */
export async function send(client: Client, notice: Notice): Promise<void> {
  const $sending = own(client);
  if ($sending.get()?.state === "sending") return;
  keep(client, notice);
  $sending.set({ notice, sent: 0, failed: [], state: "sending" });
  const users = createUsersAdmin(client.api.http);
  const waiting = notice.to.values();
  const isOn = (): boolean => {
    const now = $sending.get();
    return now?.notice === notice && now.state === "sending";
  };
  const tell = async (): Promise<void> => {
    for (const userId of waiting) {
      if (!isOn()) return;
      const error: unknown = await users.notice(`${notice.id}.${userId}`, userId, notice.text).then(
        () => undefined,
        (cause: unknown) => cause,
      );
      const now = $sending.get();
      if (now?.notice !== notice) return;
      // The rest would fare no better: it is gone on with when somebody says so.
      if (isCutOff(error)) return stop(client);
      const why = error === undefined ? undefined : explainAct(error);
      $sending.set({
        ...now,
        sent: now.sent + (why === undefined ? 1 : 0),
        failed: why === undefined ? now.failed : [...now.failed, [userId, why]],
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, tell));
  if (!isOn()) return;
  keep(client, undefined);
  $sending.set({ ...$sending.get()!, state: "done" });
}

/** Tells nobody more. What was told stays told. */
export function stop(client: Client): void {
  const $sending = own(client);
  const now = $sending.get();
  if (now?.state === "sending") $sending.set({ ...now, state: "stopped" });
}

/** Forgets what was sent, or stopped. */
export function forget(client: Client): void {
  keep(client, undefined);
  own(client).set(undefined);
}

/** Everybody with an open account; bots and who belongs to an application service are left out. */
export async function everybody(http: Http, signal?: AbortSignal): Promise<string[]> {
  const users = createUsersAdmin(http);
  const { services } = await createServerAdmin(http).services(signal);
  const patterns = services.flatMap(({ users: names, sender }) => [
    ...names.filter(({ exclusive }) => exclusive).map(({ regex }) => new RegExp(`^(?:${regex})$`)),
    sender,
  ]);
  const all: string[] = [];
  for (let from = 0; ; from += PAGE) {
    const page = await users.list(
      { deactivated: false, locked: true, order_by: "name", from, limit: PAGE },
      signal,
    );
    const people = page.users.filter(
      ({ name, user_type: type }) =>
        type !== "bot" &&
        !name.startsWith("@server-notices:") &&
        !patterns.some((each) => (typeof each === "string" ? each === name : each.test(name))),
    );
    all.push(...people.map(({ name }) => name));
    if (page.users.length === 0 || from + page.users.length >= page.total) return all;
  }
}

/** The addresses in a text, one a line or parted by blanks or commas; local names are completed. */
export function addresses(text: string, server: string): { good: string[]; bad: string[] } {
  const all = text.split(/[\s,;]+/).filter((part) => part !== "");
  const whole = all.map((part) => {
    const name = part.startsWith("@") ? part : `@${part}`;
    return name.includes(":") ? name : `${name}:${server}`;
  });
  const isGood = (name: string): boolean =>
    /^@[\x21-\x39\x3b-\x7e]+:/.test(name) && name.endsWith(`:${server}`) && name.length <= 255;
  return {
    good: [...new Set(whole.filter(isGood))],
    bad: whole.filter((name) => !isGood(name)),
  };
}
