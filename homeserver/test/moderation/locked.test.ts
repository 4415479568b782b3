/** What a locked account may do, and that it goes on afterwards. */
import { describe, expect, test } from "vitest";
import { serviceClient } from "../appservice/support.ts";
import { type Body } from "../support/user.ts";
import {
  LOCKED,
  SUSPENDED,
  server,
  alice,
  ask,
  nameOf,
  signIn,
  signedIn,
  look,
  set,
  whoami,
  auth,
} from "./one-server.ts";

describe("a locked account", () => {
  test("is refused with every token, and goes on where it was once it is unlocked", async () => {
    const second = await signedIn(alice);
    const service = serviceClient(server, "puppet-token");
    await alice.call("POST", "/keys/upload", {});
    await set("lock", alice.userId);
    expect([await whoami(alice), await whoami(second)]).toEqual([LOCKED, LOCKED]);
    const as = { as: alice.userId };
    expect(await service.ask("GET", "/account/whoami", undefined, as)).toEqual(LOCKED);
    const { body } = await look("lock", alice.userId);
    expect(body).toEqual({ locked: true });
    await set("lock", alice.userId, false);
    const { devices } = await alice.call("GET", "/devices");
    expect(devices.map((one: Body) => one.device_id)).toEqual(
      expect.arrayContaining([alice.deviceId, second.deviceId]),
    );
    expect(await whoami(second)).toMatchObject({ status: 200 });
    expect((await service.ask("GET", "/account/whoami", undefined, as)).status).toBe(200);
  });

  test("ends the requests that wait", async () => {
    const sliding = "/unstable/org.matrix.simplified_msc3575/sync?timeout=600000";
    const first = await ask("POST", sliding, {}, alice.token);
    const polls = [
      (pos: string) => alice.ask("GET", `/sync?timeout=600000&since=${pos}`),
      (pos: string) => ask("POST", `${sliding}&pos=${pos}`, {}, alice.token),
    ];
    const positions = [(await alice.sync()).next_batch, first.body.pos] as string[];
    const ended = polls.map(async (poll, i) => {
      for (let pos = positions[i]!; ;) {
        const answer = await poll(pos);
        if (answer.status !== 200) return answer;
        pos = answer.body.next_batch ?? answer.body.pos;
      }
    });
    await set("lock", alice.userId);
    expect(await Promise.all(ended)).toEqual([LOCKED, LOCKED]);
  });

  test("can be signed in to in no way, until it is unlocked", async () => {
    const { refresh_token: refreshToken } = (await signIn(alice, { refresh_token: true })).body;
    // Requires no password anew: the client has just shown it.
    const given = await ask("POST", "/v1/login/get_token", { auth: auth(alice) }, alice.token);
    const byToken = { type: "m.login.token", token: given.body.login_token };
    const service = serviceClient(server, "puppet-token");
    const type = "m.login.application_service";
    const asService = { type, identifier: { type: "m.id.user", user: nameOf(alice) } };
    await set("lock", alice.userId);

    expect(await signIn(alice)).toEqual(LOCKED);
    expect(await signIn(alice, { password: "wrong" })).toMatchObject({
      status: 403,
      body: { errcode: "M_FORBIDDEN" },
    });
    expect(await ask("POST", "/v3/login", byToken)).toEqual(LOCKED);
    expect(await ask("POST", "/v3/refresh", { refresh_token: refreshToken })).toEqual(LOCKED);
    expect(await service.ask("POST", "/login", asService)).toEqual(LOCKED);
    const closing = await ask("POST", "/v3/account/deactivate", { auth: auth(alice) });
    expect(closing).toEqual(LOCKED);
    const change = { auth: auth(alice), new_password: "Another-Secret-1" };
    expect(await ask("POST", "/v3/account/password", change)).toEqual(LOCKED);

    await set("lock", alice.userId, false);
    expect((await ask("POST", "/v3/login", byToken)).status).toBe(200);
    const refreshed = await ask("POST", "/v3/refresh", { refresh_token: refreshToken });
    expect(refreshed.status).toBe(200);
    expect((await service.ask("POST", "/login", asService)).status).toBe(200);
    expect((await signIn(alice)).status).toBe(200);
  });

  test("may be signed out of, and that token then is none", async () => {
    const [second, third] = [await signedIn(alice), await signedIn(alice)];
    await set("lock", alice.userId);
    expect(await alice.ask("POST", "/logout")).toEqual({ status: 200, body: {} });
    expect((await whoami(alice)).body.errcode).toBe("M_UNKNOWN_TOKEN");
    expect(await whoami(third)).toEqual(LOCKED);
    expect(await second.ask("POST", "/logout/all")).toEqual({ status: 200, body: {} });
    expect((await whoami(third)).body.errcode).toBe("M_UNKNOWN_TOKEN");
  });

  test("counts as locked while it is suspended, too", async () => {
    await set("suspend", alice.userId);
    await set("lock", alice.userId);
    expect(await alice.ask("POST", "/createRoom", {})).toEqual(LOCKED);
    await set("lock", alice.userId, false);
    expect(await alice.ask("POST", "/createRoom", {})).toEqual(SUSPENDED);
  });
});
