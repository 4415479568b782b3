import { describe, expect, test } from "vitest";
import { PresenceStore } from "../../src/store/presence.ts";

const ANN = "@ann:two";
const BEA = "@bea:two";

function watched() {
  const store = new PresenceStore();
  const heard: string[] = [];
  for (const who of [ANN, BEA]) store.$of(who).listen(() => heard.push(who));
  store.$version.listen(() => heard.push("all"));
  return { store, heard };
}

describe("presence", () => {
  test("is told to those who look at the person alone, and only when it is otherwise", () => {
    const { store, heard } = watched();
    const online = { sender: ANN, content: { presence: "online", last_active_ago: 5 } };
    store.apply([online], 100);
    expect(heard.splice(0)).toEqual([ANN, "all"]);
    store.apply([{ ...online, content: { presence: "online", last_active_ago: 1 } }], 200);
    expect(heard).toEqual([]);
    expect(store.of(ANN)).toEqual({ state: "online", lastActive: 199 });
    store.apply([{ sender: ANN, content: { presence: "online", status_msg: "At lunch" } }], 300);
    expect(heard).toEqual([ANN, "all"]);
    expect(store.$of(ANN).get()).toEqual({ state: "online", status: "At lunch" });
  });

  test("of strangers is one line that turns nothing around, or none", () => {
    const { store, heard } = watched();
    store.apply(
      [
        { sender: ANN, content: { presence: "dancing" } },
        { sender: BEA, content: { presence: "offline", status_msg: "\u202Eevil\n\n  here" } },
        { content: { presence: "online" } },
      ],
      0,
    );
    expect(heard).toEqual([BEA, "all"]);
    expect(store.of(BEA)?.status).toBe("evil here");
    store.apply([{ sender: BEA, content: { presence: "offline", status_msg: 7 } }], 0);
    expect(store.of(BEA)).toEqual({ state: "offline" });
  });

  test("of one's own is what the devices agreed on; nonsense counts as online", () => {
    const store = new PresenceStore();
    store.readOwn({ presence: "unavailable", status_msg: "Reading" });
    expect(store.$own.get()).toEqual({ state: "unavailable", status: "Reading" });
    store.readOwn({ presence: 4, status_msg: {} });
    expect(store.$own.get()).toEqual({ state: "online", status: "" });
  });
});
