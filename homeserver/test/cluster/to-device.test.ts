/** Messages for devices, and rendezvous, at two replicas of one server. */
import { describe, expect, test } from "vitest";
import { anotherDevice, inbox, sendTo } from "../encryption/to-device/inbox.ts";
import { hasRedis } from "../support/redis.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { until } from "../support/wait.ts";
import { atOther, both, first, second } from "./two-replicas.ts";

const numbers = (body: Body): number[] =>
  (body.to_device?.events ?? []).map(({ content }: Body) => content.n);

describe.skipIf(!hasRedis)("two replicas", () => {
  test("a request that reaches both at once sends once", async () => {
    const bob = await register(first, "bob1");
    for (let n = 0; n < 10; n += 1) {
      await both(4, async (alice) => {
        const messages = { [bob.userId]: { [bob.deviceId]: { n } } };
        expect((await sendTo(alice, messages, { txnId: `at-both-${n}` })).status).toBe(200);
      });
    }
    expect((await inbox(first, bob)).map(({ content }) => content.n)).toEqual(
      Array.from({ length: 10 }, (_, n) => n),
    );
  });

  test("a device that signed in at the one a moment ago gets what is sent at the other", async () => {
    const bob = await register(first, "bob2");
    await sendTo(atOther(bob), { [bob.userId]: { "*": { n: 0 } } });
    for (let n = 1; n < 4; n += 1) {
      const device = await anotherDevice(first, bob);
      await sendTo(atOther(bob), { [bob.userId]: { "*": { n } } });
      const body = await atOther(device).syncUntil(undefined, (each) => numbers(each).length > 0);
      expect(numbers(body)).toEqual([n]);
      await device.call("POST", "/logout", {});
      await sendTo(atOther(bob), { [bob.userId]: { [device.deviceId]: { n: "late" } } });
      expect(await inbox(first, device)).toEqual([]);
    }
  });

  test("who syncs by turns at both gets each message once, and it is deleted", async () => {
    const bob = await register(first, "bob3");
    const at: [TestUser, TestUser] = [bob, atOther(bob)];
    let since: string | undefined;
    const got: number[] = [];
    for (let n = 0; n < 20; n += 1) {
      await sendTo(at[(n >> 1) % 2]!, { [bob.userId]: { "*": { n } } });
      const body: Body = await at[n % 2]!.syncUntil(since, (each) => numbers(each).length > 0);
      got.push(...numbers(body));
      since = body.next_batch;
    }
    expect(got).toEqual(Array.from({ length: 20 }, (_, n) => n));
    await bob.sync({ since: since! });
    await until(async () => (await inbox(first, bob)).length === 0);
  });

  test("a rendezvous that was made at the one is at the other", async () => {
    const path = "/_matrix/client/unstable/io.element.msc4388/rendezvous";
    const ask = async (at: string, method: string, rest = "", body?: object) => {
      const init = body === undefined ? {} : { body: JSON.stringify(body) };
      return (await (await fetch(`${at}${path}${rest}`, { method, ...init })).json()) as Body;
    };
    const made = await ask(first.baseUrl, "POST", "", { data: "one" });
    expect(await ask(second.baseUrl, "GET", `/${made.id}`)).toMatchObject({ data: "one" });
    const { sequence_token } = made;
    const next = await ask(second.baseUrl, "PUT", `/${made.id}`, { sequence_token, data: "two" });
    expect(await ask(first.baseUrl, "GET", `/${made.id}`)).toMatchObject({ ...next, data: "two" });
    expect(await ask(first.baseUrl, "DELETE", `/${made.id}`)).toEqual({});
    expect((await ask(second.baseUrl, "GET", `/${made.id}`)).errcode).toBe("M_NOT_FOUND");
  });
});
