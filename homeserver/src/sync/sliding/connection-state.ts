import { deflateRawSync, inflateRawSync } from "node:zlib";

/** What a connection was sent of one room. */
export interface SentRoom {
  /** Log position up to which it was told of the room; 0: up to the connection's position. */
  readonly behind: number;
  /** The client has this many of the newest events, if there are so many. */
  readonly limit: number;
  /** Which state it was told of: `RequiredState.key`. */
  readonly required: string;
  readonly isDm: boolean;
}

/**
 * What was sent on a connection, as far as its position does not say it. It is not changed: what
 * follows it is another one.
 */
export interface ConnectionState {
  /** When the connection began, ms since 1970: what is remembered of it beside has this in its name. */
  readonly startedAt: number;
  /** By room nid. */
  readonly rooms: ReadonlyMap<number, SentRoom>;
  /** The extensions that were told at the position. */
  readonly extensions: readonly string[];
  /** Room nid → position up to which receipts were told; 0: up to the connection's position. */
  readonly receipts: ReadonlyMap<number, number>;
  /** The same of account data. */
  readonly accountData: ReadonlyMap<number, number>;
  /** Nids of rooms in which somebody began or stopped to type while they were not wanted. */
  readonly typing: ReadonlySet<number>;
}

export function newConnection(startedAt: number): ConnectionState {
  return {
    startedAt,
    rooms: new Map(),
    extensions: [],
    receipts: new Map(),
    accountData: new Map(),
    typing: new Set(),
  };
}

/** Rises when the form changes: connections of another one begin anew. */
const FORM = 1;
/** A state that takes more bytes than this is none of ours. */
const MAX_BYTES = 64 * 1024 * 1024;

export function encodeState(state: ConnectionState): Buffer {
  const required = [...new Set([...state.rooms.values()].map((room) => room.required))];
  const indexes = new Map(required.map((key, index) => [key, index]));
  const rooms = [...state.rooms].map(([nid, room]) => [
    ...[nid, room.behind, room.limit],
    ...[indexes.get(room.required)!, room.isDm ? 1 : 0],
  ]);
  const json = JSON.stringify({
    form: FORM,
    startedAt: state.startedAt,
    required,
    rooms,
    extensions: state.extensions,
    receipts: [...state.receipts],
    accountData: [...state.accountData],
    typing: [...state.typing],
  });
  return deflateRawSync(json, { level: 1 });
}

/** undefined: it is of another form. */
export function decodeState(bytes: Buffer): ConnectionState | undefined {
  const json = JSON.parse(
    inflateRawSync(bytes, { maxOutputLength: MAX_BYTES }).toString(),
  ) as Encoded;
  if (json.form !== FORM) return undefined;
  return {
    startedAt: json.startedAt,
    rooms: new Map(
      json.rooms.map(([nid, behind, limit, required, dm]) => [
        nid,
        { behind, limit, required: json.required[required] ?? "[]", isDm: dm === 1 },
      ]),
    ),
    extensions: json.extensions,
    receipts: new Map(json.receipts),
    accountData: new Map(json.accountData),
    typing: new Set(json.typing),
  };
}

interface Encoded {
  readonly form: number;
  readonly startedAt: number;
  readonly required: readonly string[];
  readonly rooms: readonly (readonly [
    nid: number,
    behind: number,
    limit: number,
    required: number,
    isDm: number,
  ])[];
  readonly extensions: readonly string[];
  readonly receipts: readonly (readonly [number, number])[];
  readonly accountData: readonly (readonly [number, number])[];
  readonly typing: readonly number[];
}
