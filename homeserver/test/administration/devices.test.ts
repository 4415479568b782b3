/** Devices of users: over the wire. */
import { describe, expect, test } from "vitest";
import type { Body } from "../support/user.ts";
import {
  ask,
  done,
  encoded,
  newcomer,
  refused,
  server,
  signedIn,
  userPath,
  whoami,
} from "./scene.ts";

const listed = async (userId: string): Promise<Body[]> =>
  (await done("GET", userPath(userId, "/devices"))).devices;

describe("devices of a user", () => {
  test("are listed with where they were seen", async () => {
    const user = await newcomer();
    await whoami(user);
    const second = await signedIn(user.userId, `${user.userId.slice(1).split(":")[0]}-Secret-1`);
    const { devices, total } = await done("GET", userPath(user.userId, "/devices"));
    expect(total).toBe(2);
    expect(devices.map((one: Body) => one.device_id)).toEqual([user.deviceId, second.deviceId]);
    expect(devices[0]).toMatchObject({
      ...{ user_id: user.userId, display_name: null, dehydrated: false },
      ...{ last_seen_ip: "127.0.0.1", last_seen_user_agent: "node" },
    });
    expect(devices[0].last_seen_ts).toBeGreaterThan(Date.now() - 600_000);
    const path = userPath(user.userId, `/devices/${second.deviceId}`);
    expect(await done("GET", path)).toMatchObject({ device_id: second.deviceId });
  });

  test("are named, and keep their name if none is given", async () => {
    const user = await newcomer();
    const path = userPath(user.userId, `/devices/${user.deviceId}`);
    expect(await done("PUT", path, { display_name: "Phone" })).toEqual({});
    await done("PUT", path, {});
    await done("PUT", path);
    expect((await done("GET", path)).display_name).toBe("Phone");
    expect((await user.call("GET", "/devices")).devices[0].display_name).toBe("Phone");
  });

  test("are made, once", async () => {
    const user = await newcomer();
    const path = userPath(user.userId, "/devices");
    const device = { device_id: "a/b ü", display_name: "Made" };
    expect(await ask("POST", path, device)).toEqual({ status: 201, body: {} });
    expect((await ask("POST", path, { device_id: "a/b ü" })).status).toBe(201);
    expect(await done("GET", userPath(user.userId, `/devices/${encoded("a/b ü")}`))).toMatchObject({
      ...{ display_name: "Made", last_seen_ts: null },
    });
    expect(await refused("POST", path, {})).toEqual([400, "M_MISSING_PARAM"]);
    expect(await refused("POST", path, { device_id: "" })).toEqual([400, "M_BAD_JSON"]);
    expect(await refused("POST", path, { device_id: "a\0" })).toEqual([400, "M_INVALID_PARAM"]);
  });

  test("are signed out and deleted, one or several", async () => {
    const user = await newcomer();
    const password = `${user.userId.slice(1).split(":")[0]}-Secret-1`;
    const [second, third] = [
      await signedIn(user.userId, password),
      await signedIn(user.userId, password),
    ];
    const path = userPath(user.userId, `/devices/${second.deviceId}`);
    expect(await done("DELETE", path)).toEqual({});
    expect((await whoami(second)).body.errcode).toBe("M_UNKNOWN_TOKEN");
    expect(await done("DELETE", path)).toEqual({});
    expect(await refused("GET", path)).toEqual([404, "M_NOT_FOUND"]);
    expect(await refused("PUT", path, { display_name: "x" })).toEqual([404, "M_NOT_FOUND"]);
    const devices = [user.deviceId, third.deviceId, "no such one", "a\0"];
    expect(await done("POST", userPath(user.userId, "/delete_devices"), { devices })).toEqual({});
    expect((await whoami(third)).body.errcode).toBe("M_UNKNOWN_TOKEN");
    expect(await listed(user.userId)).toEqual([]);
  });

  test.each([
    ["of another server", "@x:elsewhere.test", 400, "M_INVALID_PARAM"],
    ["who is not there", "@nobody:{server}", 404, "M_NOT_FOUND"],
  ])("are not those of a user %s", async (_who, given, status, errcode) => {
    const userId = given.replace("{server}", server.name);
    const all = [
      await refused("GET", userPath(userId, "/devices")),
      await refused("POST", userPath(userId, "/devices"), { device_id: "X" }),
      await refused("GET", userPath(userId, "/devices/X")),
      await refused("PUT", userPath(userId, "/devices/X"), {}),
      await refused("DELETE", userPath(userId, "/devices/X")),
      await refused("POST", userPath(userId, "/delete_devices"), { devices: [] }),
    ];
    expect(all).toEqual(all.map(() => [status, errcode]));
  });

  test("are none of a closed account's", async () => {
    const user = await newcomer();
    await done("PUT", userPath(user.userId), { deactivated: true });
    expect(await listed(user.userId)).toEqual([]);
    const path = userPath(user.userId, "/devices");
    expect(await refused("POST", path, { device_id: "X" })).toEqual([404, "M_NOT_FOUND"]);
  });
});
