import { afterAll, beforeAll } from "vitest";
import { theSubject } from "./clause.ts";
import { Peer } from "./peer.ts";

/** A peer for the tests of a file. The last of them looks at its `violations`: what the server did wrong towards it. */
export function withPeer(): { readonly peer: Peer } {
  let peer: Peer | undefined;
  beforeAll(async () => {
    peer = await Peer.start(theSubject());
  });
  afterAll(async () => {
    await peer?.stop();
  });
  return {
    get peer() {
      if (peer === undefined) throw new Error("no peer outside of tests");
      return peer;
    },
  };
}
