import { describe, expect, test, vi } from "vitest";
import { ApiError } from "../../../src/api/errors.ts";
import { createFetcher } from "../../../src/encryption/engine/fetcher.ts";
import type { KeyName } from "../../../src/encryption/protocol.ts";

const ROOM = "!room:one";
const key = (sessionId: string): KeyName => ({ roomId: ROOM, sessionId });

/** A backup that holds the sessions given, and is open from the start. */
function withBackup(...held: string[]) {
  const backup = new Set(held);
  const fetched: string[] = [];
  const told: KeyName[][] = [];
  let isOpen = true;
  const fetcher = createFetcher({
    async fetch(_, sessionId) {
      fetched.push(sessionId);
      if (!backup.has(sessionId)) throw new ApiError(404, { errcode: "M_NOT_FOUND" });
    },
    canFetch: () => isOpen,
    onKeys: (keys) => told.push(keys),
  });
  return { fetcher, backup, fetched, told, open: (value: boolean) => (isOpen = value) };
}

describe("keys from the backup", () => {
  test("are fetched once however many events want them, and told of", async () => {
    const { fetcher, fetched, told } = withBackup("a", "b");
    for (const session of ["a", "b", "a", "a"]) fetcher.want(ROOM, session);
    await vi.waitFor(() => expect(told).toEqual([[key("a")], [key("b")]]));
    expect(fetched).toEqual(["a", "b"]);
  });

  test("that do not help the event are not fetched without end", async () => {
    const { fetcher, fetched, told } = withBackup("late");
    fetcher.want(ROOM, "late");
    await vi.waitFor(() => expect(told).toHaveLength(1));
    // The event is read anew, and still wants it.
    fetcher.want(ROOM, "late");
    expect(fetcher.isLacking(ROOM, "late")).toBe(true);
    expect(fetched).toEqual(["late"]);
  });

  test("that are not there are asked for when the person says so", async () => {
    const { fetcher, backup, told } = withBackup();
    fetcher.want(ROOM, "a");
    expect(fetcher.isLacking(ROOM, "a")).toBe(false);
    await vi.waitFor(() => expect(fetcher.isLacking(ROOM, "a")).toBe(true));
    backup.add("a");
    fetcher.retry([key("a")]);
    fetcher.want(ROOM, "a");
    await vi.waitFor(() => expect(told).toHaveLength(2));
  });

  test("are fetched once the backup is open, when events wanted them before", async () => {
    const { fetcher, fetched, told, open } = withBackup("a");
    open(false);
    fetcher.want(ROOM, "a");
    expect(fetched).toEqual([]);
    open(true);
    fetcher.retryAll();
    expect(told).toEqual([[key("a")]]);
    fetcher.want(ROOM, "a");
    await vi.waitFor(() => expect(fetched).toEqual(["a"]));
  });
});
