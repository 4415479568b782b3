/** The engine's federation side, put together. */
import { errors } from "../protocol/errors.ts";
import type { LocalEvents } from "./local.ts";
import type { Mailboxes } from "./mailboxes.ts";
import type { RemoteMembership } from "./members.ts";
import type { FillGap } from "./messages.ts";
import type { RoomsDeps } from "./rooms.ts";
import type { RoomStore } from "./store.ts";
import type { RoomFederation } from "./types-federation.ts";
import type { RoomView } from "./types.ts";

export interface FederationParts {
  readonly store: RoomStore;
  readonly mailboxes: Mailboxes;
  readonly local: LocalEvents;
  readonly view: RoomView;
  readonly deps: RoomsDeps;
}

export interface Federation {
  readonly api: RoomFederation;
  readonly membership: RemoteMembership;
  readonly fillGap: FillGap;
}

export function createFederation(_parts: FederationParts): Federation {
  const away = async () => {
    throw errors.unknown("Federation is under construction", 502);
  };
  return {
    api: new Proxy({} as RoomFederation, { get: () => away }),
    membership: { join: away, knock: away, leave: away, invite: away },
    fillGap: async () => false,
  };
}
