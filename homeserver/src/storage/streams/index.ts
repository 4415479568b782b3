/** All streams. A further one is a file beside this one, listed here. */
import { accountData } from "./account-data.ts";
import { deviceLists } from "./device-lists.ts";
import { oneTimeKeys, userSignatures } from "./encryption-keys.ts";
import { erasures } from "./erasures.ts";
import { forgottenRooms } from "./forgotten-rooms.ts";
import { history } from "./history.ts";
import { partialRooms } from "./partial-rooms.ts";
import { profileFields, profiles } from "./profiles.ts";
import { purges } from "./purges.ts";
import { receipts } from "./receipts.ts";
import { pushers, sessions } from "./user-changes.ts";
import { threadSubscriptions } from "./thread-subscriptions.ts";
import { toDevice, toDeviceOutbound } from "./to-device.ts";
import { sticky, stickyOwed } from "./sticky.ts";
import type { Stream } from "./stream.ts";

const LISTED = [
  ...([receipts, accountData, erasures, forgottenRooms, purges] as const),
  ...([partialRooms, profiles, deviceLists, sessions, history] as const),
  ...([userSignatures, oneTimeKeys, toDevice, toDeviceOutbound, pushers] as const),
  ...([threadSubscriptions, profileFields, sticky, stickyOwed] as const),
] as const;

type Listed = (typeof LISTED)[number];

/** A row of an append, with its kind. */
export type NewRecord = Listed extends infer S
  ? S extends Stream<infer Kind, infer Row, infer _RecordBody>
    ? { readonly kind: Kind } & Readonly<Row>
    : never
  : never;

/** The same as seen by the log's readers. */
export type StreamRecord = Listed extends infer S
  ? S extends Stream<infer Kind, infer _Row, infer RecordBody>
    ? { readonly kind: Kind; readonly position: number } & Readonly<RecordBody>
    : never
  : never;

type StreamKind = Listed["kind"];

/** A stream whose rows may be of any kind: `streamOf` finds the stream of a row. */
type AnyStream = Stream<StreamKind, NewRecord, object>;

export const STREAMS = LISTED as readonly unknown[] as readonly AnyStream[];

const byKind = new Map(STREAMS.map((stream) => [stream.kind, stream]));

/** The stream of a kind of records; undefined for a kind of another version of Weft. */
export function streamOf(kind: string): AnyStream | undefined {
  return byKind.get(kind as StreamKind);
}
