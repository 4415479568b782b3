import { errors } from "../../protocol/errors.ts";
import type { ThreadSubscriptions } from "../../users/data/thread-subscriptions.ts";
import type { AccountDataChanges } from "../recent/account-data-changes.ts";
import type { createDeviceListsSection, DeviceListChanges } from "../sections/device-lists.ts";
import type { ProfilesSection } from "../sections/profiles.ts";
import { accountDataEvent, type SectionSources } from "../sections/ephemeral-sections.ts";
import { JsonText } from "../sections/json-text.ts";
import { type DeviceKeyCounts, keyCountsText } from "../sections/key-counts.ts";
import type { Scope } from "../sections/scope.ts";
import type { ToDeviceMessages } from "../sections/to-device.ts";
import type { SlidingScope } from "./sliding-scope.ts";
import type { ConnectionState } from "./connection-state.ts";
import {
  createRoomExtensions,
  type RoomExtensionDeps,
  type ToldTimelines,
} from "./room-extensions.ts";
import {
  createProfilesExtension,
  PROFILES_EXTENSION,
  type ProfiledMembers,
  profilesMark,
} from "./profiles.ts";
import { createThreadsExtension, THREADS_EXTENSION } from "./thread-subscriptions.ts";
import {
  createStickyExtension,
  STICKY_EXTENSION,
  type StickyExtensionDeps,
} from "./sticky-events.ts";
import type { WantedRoom } from "./windows.ts";

export interface ExtensionDeps extends RoomExtensionDeps, StickyExtensionDeps {
  readonly accountData: SectionSources["accountData"];
  readonly accountDataChanges: AccountDataChanges;
  readonly toDevice: ToDeviceMessages;
  readonly keyCounts: DeviceKeyCounts;
  readonly deviceLists: ReturnType<typeof createDeviceListsSection>;
  readonly hasKeyChanges: (scope: Scope) => Promise<boolean>;
  readonly threadChanges: ThreadSubscriptions["changes"];
  readonly profiles: ProfilesSection;
  readonly profiledMembers: ProfiledMembers;
}

export interface ToldExtensions {
  readonly body: JsonText;
  /** There is nothing new in it. */
  readonly empty: boolean;
  /** What the client then was told by them. */
  readonly state: Pick<ConnectionState, "extensions" | "receipts" | "accountData" | "typing">;
  /** Log position of the last message that the device got, while more are waiting; undefined: it is told of none. */
  readonly messages: { readonly waitingAfter: number | undefined } | undefined;
}

const EXTENSIONS = [
  ...(["to_device", "e2ee", "account_data", "receipts", "typing"] as const),
  THREADS_EXTENSION,
] as const;

/** Messages for a device in one answer, at most. */
const MAX_MESSAGES = 100;

/** What is told beside rooms. */
export function createExtensions(deps: ExtensionDeps) {
  const roomExtensions = createRoomExtensions(deps);
  const threads = createThreadsExtension(deps.threadChanges);
  const profiles = createProfilesExtension(deps);
  const sticky = createStickyExtension(deps);

  /** Messages for the device. (MSC3885.) */
  async function toDevice({ scope, body }: SlidingScope) {
    const { userId, deviceId, upTo } = scope;
    const { since, limit = MAX_MESSAGES } = body.extensions.to_device ?? {};
    const after = Math.min(messagesUpTo(since), upTo.position);
    if (after > 0) deps.toDevice.delivered(userId, deviceId, after);
    const most = Math.max(1, Math.min(limit, MAX_MESSAGES));
    const which = { userId, deviceId, after, upTo: upTo.position, limit: most + 1 };
    const found = await deps.toDevice.waiting(which);
    const sent = found.slice(0, most);
    const waitingAfter = found.length > sent.length ? sent.at(-1)!.position : undefined;
    const text = new JsonText()
      .member("next_batch", JSON.stringify(`m${waitingAfter ?? upTo.position}`))
      .member("events", `[${sent.map(({ message }) => message).join(",")}]`);
    return { text, isEmpty: sent.length === 0, waitingAfter };
  }

  /** Keys and device lists. (MSC3884.) */
  async function e2ee(
    { scope }: SlidingScope,
    lists: DeviceListChanges | undefined,
  ): Promise<[JsonText, boolean]> {
    const { keyCounts } = deps;
    const counts = keyCounts.peekCounts(scope) ?? (await keyCounts.counts(scope));
    const empty = lists === undefined && !(await deps.hasKeyChanges(scope));
    return [
      new JsonText()
        .optional("device_lists", lists && JSON.stringify(lists))
        .members(keyCountsText(counts)),
      empty,
    ];
  }

  async function globalAccountData({ scope, state }: SlidingScope): Promise<string[]> {
    const { userId, since, upTo } = scope;
    const after = state.extensions.includes("account_data") ? (since?.position ?? 0) : 0;
    if (after > 0 && deps.accountDataChanges.changed(userId, 0, after) === false) return [];
    const data = await deps.accountData(userId, undefined, after, upTo.position);
    return data.map(accountDataEvent);
  }

  /** `listed`: rooms of any list, or asked for by id. */
  return async function extensions(
    sliding: SlidingScope,
    wanted: ReadonlyMap<number, WantedRoom>,
    timelines: ToldTimelines,
    listed: () => Iterable<number>,
  ): Promise<ToldExtensions> {
    const { state, body } = sliding;
    const isEnabled = (name: keyof typeof body.extensions) =>
      body.extensions[name]?.enabled === true;
    const out = new JsonText();
    let empty = true;
    const add = (name: string, [text, isEmpty]: [JsonText, boolean]) => {
      out.member(name, text.toString());
      empty &&= isEmpty;
    };
    const messages = isEnabled("to_device") ? await toDevice(sliding) : undefined;
    if (messages !== undefined) add("to_device", [messages.text, messages.isEmpty]);
    const wantsLists = isEnabled("e2ee") || isEnabled(PROFILES_EXTENSION);
    const lists = wantsLists ? await deps.deviceLists(sliding.scope) : undefined;
    if (isEnabled("e2ee")) add("e2ee", await e2ee(sliding, lists));
    const accountData = await roomExtensions.accountData(sliding, wanted);
    if (isEnabled("account_data")) {
      const global = await globalAccountData(sliding);
      const isEmpty = global.length === 0 && accountData.rooms.empty;
      const text = new JsonText()
        .member("global", `[${global.join(",")}]`)
        .member("rooms", accountData.rooms.toString());
      if (!isEmpty) add("account_data", [text, false]);
    }
    const receipts = await roomExtensions.receipts(sliding, wanted, timelines);
    const typing = roomExtensions.typing(sliding, wanted);
    for (const [name, rooms] of [
      ["receipts", receipts.rooms],
      ["typing", typing.rooms],
    ] as const) {
      if (!rooms.empty) add(name, [new JsonText().member("rooms", rooms.toString()), false]);
    }
    const ofThreads = isEnabled(THREADS_EXTENSION) ? await threads(sliding) : undefined;
    if (ofThreads !== undefined) add(THREADS_EXTENSION, ofThreads);
    const ofProfiles =
      isEnabled(PROFILES_EXTENSION) && (await profiles(sliding, wanted, lists?.left ?? []));
    if (ofProfiles) add(PROFILES_EXTENSION, ofProfiles);
    const ofSticky =
      isEnabled(STICKY_EXTENSION) && (await sticky(sliding, listed, timelines.eventIds));
    if (ofSticky) add(STICKY_EXTENSION, ofSticky);
    const names: string[] = EXTENSIONS.filter(isEnabled);
    const { profileFields } = sliding.scope;
    if (profileFields !== undefined) names.push(profilesMark(profileFields));
    const isSame = names.join() === state.extensions.join();
    return {
      ...{ body: out, empty, messages },
      state: {
        extensions: isSame ? state.extensions : names,
        ...{ receipts: receipts.told, accountData: accountData.told, typing: typing.missed },
      },
    };
  };
}

export type Extensions = ReturnType<typeof createExtensions>;

/**
 * Up to which log position the device has its messages.
 * @throws MatrixError 400 M_INVALID_PARAM when it is not a `next_batch` of ours
 */
function messagesUpTo(since: string | undefined): number {
  if (since === undefined) return 0;
  const position = /^m(\d{1,15})$/.exec(since)?.[1];
  if (position === undefined) {
    throw errors.invalidParam("extensions.to_device.since is not one that this server gave out");
  }
  return Number(position);
}
