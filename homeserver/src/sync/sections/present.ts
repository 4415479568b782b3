import { pickFields } from "../../protocol/filter.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { VisibleEvent, RoomView, StoredEvent } from "../../rooms/api/index.ts";
import type { Scope } from "./scope.ts";

/** Turns events into JSON texts in the form that the filter asks for. */
export interface Present {
  timeline(scope: Scope, events: readonly VisibleEvent[]): Promise<string[]>;
  state(scope: Scope, events: readonly StoredEvent[]): Promise<string[]>;
}

export function createPresent(view: RoomView): Present {
  function shape(scope: Scope, texts: string[]): string[] {
    if (scope.filter.eventFields === undefined) return texts;
    return texts.map((text) =>
      JSON.stringify(pickFields(scope.filter, JSON.parse(text) as JsonObject)),
    );
  }

  function federationForm(events: readonly StoredEvent[]): string[] {
    return events.map((stored) => stored.event.json());
  }

  return {
    async timeline(scope, events) {
      meet(
        scope,
        events.map(({ stored }) => stored),
      );
      if (scope.filter.eventFormat === "federation") {
        return shape(scope, federationForm(events.map((readable) => readable.stored)));
      }
      return shape(scope, await view.present(events, scope));
    },

    async state(scope, all) {
      const events = await view.stateFor(scope.userId, all);
      meet(scope, events);
      if (scope.filter.eventFormat === "federation") return shape(scope, federationForm(events));
      return shape(scope, view.presentState(events));
    },
  };
}

/** Whoever is shown as a member comes with the profile. */
function meet({ profileFields, met }: Scope, events: readonly StoredEvent[]): void {
  if (profileFields === undefined) return;
  for (const { event } of events) {
    const isIn = event.type === "m.room.member" && event.content.membership === "join";
    if (isIn) met.add(event.stateKey!);
  }
}
