import { afterAll, beforeAll } from "vitest";
import { clause, serverApi, theSubject } from "./clause.ts";
import { mustEqual } from "./must.ts";
import { Peer } from "./peer.ts";

interface WithPeer {
  readonly peer: Peer;
}

/** A peer for the tests of a file. */
export function withPeer(): WithPeer {
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

/** The last test of a file with a peer: the server did nothing wrong towards it. */
export function mustKeepTheProtocol(here: WithPeer): void {
  const name = "nothing that it sent to the peer broke the protocol";
  clause(serverApi("transactions"), name, async () => {
    mustEqual(here.peer.violations, [], "violations");
  });
}
