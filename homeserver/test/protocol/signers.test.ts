import { describe, expect, it } from "vitest";
import { rejectionOf } from "../../src/protocol/errors.ts";
import { requiredSigners } from "../../src/protocol/events/event-signatures.ts";
import { roomVersion } from "../../src/protocol/room-versions.ts";
import { type ToldEvent, toldEvent } from "./event-of-vector.ts";
import { vectors } from "./vectors.ts";

interface Story {
  readonly name: string;
  readonly event: ToldEvent;
  readonly signers: readonly {
    readonly versions: readonly string[];
    readonly servers: readonly string[] | null;
  }[];
}

describe("those who must have signed", () => {
  it.each(vectors<Story>("signatures/signers").cases)("$name", ({ event: told, signers }) => {
    for (const { versions, servers } of signers) {
      for (const id of versions) {
        const event = toldEvent(told, roomVersion(id)!, `$event:${told.sender.split(":")[1]}`);
        if (servers === null)
          expect(rejectionOf(() => requiredSigners(event))).toBeTypeOf("string");
        else expect(requiredSigners(event).toSorted(), `version ${id}`).toEqual(servers);
      }
    }
  });
});
