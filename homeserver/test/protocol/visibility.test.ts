import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { RoomEvent } from "../../src/protocol/events/event.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import { roomVersion } from "../../src/protocol/room-versions.ts";
import {
  type HistoryVisibility,
  historyVisibility,
  serverCanSee,
  userCanSee,
} from "../../src/protocol/events/visibility.ts";
import { eventFrom } from "./abridged-event.ts";

interface ToldEvent {
  readonly type: string;
  readonly state_key?: string;
  readonly sender: string;
  readonly content: JsonObject;
}

interface Told {
  readonly name: string;
  readonly visibility: string | null;
  readonly event: ToldEvent;
  readonly visible: boolean;
}

interface UserCase extends Told {
  readonly membership: string | null;
  readonly joined_later: boolean;
}

interface ServerCase extends Told {
  readonly memberships: readonly string[];
}

const folder = new URL("../../../spec/vectors/visibility/", import.meta.url);

function cases<T>(name: string): T[] {
  return (JSON.parse(readFileSync(new URL(name, folder), "utf8")) as { cases: T[] }).cases;
}

function told(event: ToldEvent): RoomEvent {
  const { state_key: stateKey, ...rest } = event;
  return eventFrom({ ...rest, stateKey, roomId: "!room:alpha" }, roomVersion("11")!);
}

function settingOf(value: string | null): HistoryVisibility {
  if (value === null) return historyVisibility(undefined);
  const content = { history_visibility: value };
  const type = "m.room.history_visibility";
  return historyVisibility(told({ type, state_key: "", sender: "@alice:alpha", content }));
}

describe("a user's view of an event", () => {
  it.each(cases<UserCase>("users.json"))("is as told: $name", (story) => {
    const { visibility, membership, joined_later: joinedLater, event, visible } = story;
    const before = { visibility: settingOf(visibility), membership: membership ?? undefined };
    expect(userCanSee(told(event), "@bob:beta", before, joinedLater)).toBe(visible);
  });
});

describe("a server's view of an event", () => {
  it.each(cases<ServerCase>("servers.json"))(
    "is as told: $name",
    ({ visibility, memberships, event, visible }) => {
      const before = { visibility: settingOf(visibility), membership: memberships };
      expect(serverCanSee(told(event), "beta", before)).toBe(visible);
    },
  );
});
