import { expect, test } from "vitest";
import type { Core } from "../../../src/encryption/engine/core.ts";
import { createWriting } from "../../../src/encryption/engine/writing.ts";

const ANN = "@ann:two";
const BEN = "@ben:two";

/** A machine that follows whom it is told, and requests that are answered by hand. */
function setUp() {
  const followed: string[] = [];
  const flushes: PromiseWithResolvers<void>[] = [];
  const machine = {
    trackedUsers: () => Promise.resolve(new Set()),
    updateTrackedUsers(users: { toString(): string }[]) {
      followed.push(...users.map(String));
      return Promise.resolve();
    },
  };
  const requests = {
    flush() {
      flushes.push(Promise.withResolvers<void>());
      return flushes.at(-1)!.promise;
    },
  };
  const { track } = createWriting({ machine, requests } as unknown as Core, () => undefined);
  const ended: string[] = [];
  const follow = (name: string, users: string[]) =>
    void track(users).then(
      () => ended.push(name),
      () => ended.push(`${name} failed`),
    );
  const turn = () => new Promise((done) => setTimeout(done, 0));
  return { followed, flushes, ended, follow, turn };
}

test("devices of users who are asked for are known when following them resolves, whoever asked first", async () => {
  const { followed, flushes, ended, follow, turn } = setUp();
  follow("shield", [ANN]);
  await turn();
  follow("message", [ANN, BEN]);
  await turn();
  follow("later", [ANN]);
  await turn();
  expect(followed).toEqual([ANN, BEN]);
  flushes[1]!.resolve();
  await turn();
  expect(ended).toEqual([]);
  flushes[0]!.resolve();
  await turn();
  expect(ended.toSorted()).toEqual(["later", "message", "shield"]);
  follow("again", [ANN, BEN]);
  await turn();
  expect(ended).toContain("again");
  expect(flushes).toHaveLength(2);
});

test("who waited for what another asked goes on when that failed", async () => {
  const { flushes, ended, follow, turn } = setUp();
  follow("shield", [ANN]);
  await turn();
  follow("message", [ANN]);
  await turn();
  flushes[0]!.reject(new Error("gone"));
  await turn();
  expect(ended.toSorted()).toEqual(["message", "shield failed"]);
});
