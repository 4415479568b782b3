import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  authorise,
  authStateOf,
  authTypesFor,
  checkAuthEvents,
} from "../../src/protocol/auth/index.ts";
import { rejectionOf } from "../../src/protocol/errors.ts";
import type { RoomEvent } from "../../src/protocol/events/event.ts";
import {
  ROOM_VERSION_IDS,
  type RoomVersion,
  roomVersion,
} from "../../src/protocol/room-versions.ts";
import { CREATE, type ToldEvent, toldEvent } from "./event-of-vector.ts";

interface Case {
  readonly name: string;
  readonly state: readonly ToldEvent[];
  readonly event: ToldEvent;
  readonly allowed?: readonly string[];
  readonly refused?: readonly string[];
}

const folder = new URL("../../../spec/vectors/auth/", import.meta.url);

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, folder), "utf8"));
}

function judge({ state, event }: Case, version: RoomVersion): string | undefined {
  const told = state.some(({ type }) => type === "m.room.create") ? state : [CREATE, ...state];
  const events = told.map((one, at) => toldEvent(one, version, `$state${at}`));
  const judged = toldEvent(event, version, "$event");
  return rejectionOf(() => authorise(judged, authStateOf(events)));
}

for (const file of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
  describe(file.replace(".json", "").replaceAll("-", " "), () => {
    it.each((read(file) as { cases: Case[] }).cases)("$name", (told) => {
      for (const id of told.allowed ?? []) {
        expect(judge(told, roomVersion(id)!), `version ${id}`).toBeUndefined();
      }
      for (const id of told.refused ?? []) {
        expect(judge(told, roomVersion(id)!), `version ${id}`).toBeTypeOf("string");
      }
    });
  });
}

interface Selection {
  readonly name: string;
  readonly event: ToldEvent;
  readonly versions?: readonly string[];
  readonly pairs: readonly [string, string][];
}

describe("the selection of auth events", () => {
  it.each((read("selection/stories.json") as { cases: Selection[] }).cases)(
    "of $name is as told",
    ({ event, versions, pairs }) => {
      for (const id of versions ?? ROOM_VERSION_IDS) {
        const version = roomVersion(id)!;
        const expected = version.createInAuthEvents ? [["m.room.create", ""], ...pairs] : pairs;
        const { type, state_key: stateKey, sender, content } = event;
        const selected = authTypesFor({ type, stateKey, sender, content }, version);
        expect(selected.map(String).toSorted()).toEqual(expected.map(String).toSorted());
      }
    },
  );

  it("of the create event is empty", () => {
    for (const id of ROOM_VERSION_IDS) {
      const { type, sender, content } = CREATE;
      expect(authTypesFor({ type, stateKey: "", sender, content }, roomVersion(id)!)).toEqual([]);
    }
  });
});

describe.each(ROOM_VERSION_IDS)("the auth events of an event in version %s", (id) => {
  const version = roomVersion(id)!;
  const create = toldEvent(CREATE, version, "$create");
  const member = (user: string, eventId: string, roomId?: string): RoomEvent => {
    const content = { membership: "join" };
    const told = { type: "m.room.member", state_key: user, sender: user, content };
    return toldEvent(roomId === undefined ? told : { ...told, room_id: roomId }, version, eventId);
  };
  const levels: ToldEvent = {
    type: "m.room.power_levels",
    state_key: "",
    sender: "@founder:alpha",
    content: {},
  };
  const right = [
    ...(version.createInAuthEvents ? [create] : []),
    toldEvent(levels, version, "$levels"),
    member("@bob:beta", "$bob"),
  ];
  const message = (auth: readonly RoomEvent[]): RoomEvent =>
    toldEvent(
      {
        type: "m.room.message",
        sender: "@bob:beta",
        content: {},
        auth_events: auth.map(({ eventId }) => eventId),
      },
      version,
      "$message",
    );
  const check = (auth: readonly RoomEvent[], given = auth): string | undefined =>
    rejectionOf(() => checkAuthEvents(message(auth), given));

  it("may be what the selection names", () => {
    expect(check(right)).toBeUndefined();
    expect(check(right.filter(({ type }) => type !== "m.room.power_levels"))).toBeUndefined();
  });

  it("may not hold two for the same state", () => {
    expect(check([...right, member("@bob:beta", "$bob2")])).toMatch(/Two auth events/);
    expect(check([...right, right[0]!])).toMatch(/named twice/);
  });

  it("may not hold what has no bearing", () => {
    expect(check([...right, member("@carol:gamma", "$carol")])).toMatch(/no bearing/);
  });

  it("may not be unknown", () => {
    expect(check(right, right.slice(0, -1))).toMatch(/not known/);
  });

  it("may not be of another room", () => {
    const elsewhere = [...right.slice(0, -1), member("@bob:beta", "$bob", "!other:alpha")];
    expect(check(elsewhere)).toMatch(/another room/);
  });

  it("may not have been rejected", () => {
    const reason = rejectionOf(() =>
      checkAuthEvents(message(right), right, (eventId) => eventId === "$bob"),
    );
    expect(reason).toMatch(/itself rejected/);
  });

  it("name the create event up to version 11, and not from 12", () => {
    const withoutCreate = right.filter((event) => event !== create);
    const expected = version.createInAuthEvents ? /no m.room.create/ : undefined;
    if (expected === undefined) {
      expect(check(withoutCreate)).toBeUndefined();
      expect(check([create, ...right])).toMatch(/no bearing/);
    } else {
      expect(check(withoutCreate)).toMatch(expected);
    }
  });
});

describe("authorising", () => {
  it("refuses everything in a room without a create event", () => {
    const version = roomVersion("11")!;
    const told = { type: "m.room.message", sender: "@bob:beta", content: {} };
    const event = toldEvent(told, version, "$message");
    expect(rejectionOf(() => authorise(event, authStateOf([])))).toMatch(/no m.room.create/);
  });

  it("refuses events whose room id is not their create event's in version 12", () => {
    const version = roomVersion("12")!;
    const create = toldEvent(CREATE, version, "$create");
    const join = {
      type: "m.room.member",
      state_key: "@founder:alpha",
      sender: "@founder:alpha",
      content: { membership: "join" },
      prev_events: ["$create"],
    };
    const event = toldEvent({ ...join, room_id: "!another" }, version, "$join");
    expect(rejectionOf(() => authorise(event, authStateOf([create])))).toMatch(/room's id/);
  });
});
