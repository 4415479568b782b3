/** One replica at a time sends notifications, whichever was sent the message, and whichever stops. */
import { expect, test } from "vitest";
import { hasRedis, startRedis } from "../support/redis.ts";
import { startServer } from "../support/server.ts";
import { register, userOf } from "../support/user.ts";
import { until } from "../support/wait.ts";
import { read, roomOf, setPusher, startGateway } from "./fake-gateway.ts";

test.skipIf(!hasRedis)(
  "a gateway is told each thing once and in order, whichever replica stops",
  { timeout: 240_000 },
  async () => {
    const gateway = await startGateway();
    const redis = await startRedis();
    const first = await startServer({ redisUrl: `redis+unix://${redis.path}` });
    const second = await first.replica();
    const [alice, bob] = [await register(first, "alice"), await register(first, "bob")];
    const at = (user: typeof alice) =>
      userOf(second, { user_id: user.userId, access_token: user.token, device_id: user.deviceId });
    // Set at the one that does not send, whichever that is.
    await setPusher(bob, gateway.url, { pushkey: "at the first" });
    await setPusher(at(bob), gateway.url, { pushkey: "at the second" });
    const roomId = await roomOf(alice, bob);
    const said: string[] = [];
    const say = async (user: typeof alice, text: string) => {
      said.push(text);
      return user.send(roomId, text);
    };
    const told = (pushkey: string) =>
      gateway.told.flatMap(({ notification: { devices, content } }) =>
        devices[0].pushkey === pushkey && content !== undefined ? [content.body as string] : [],
      );
    // A gateway so slow that a stop does not wait for it is asked again by the next replica.
    const once = (pushkey: string) => [...new Set(told(pushkey))];
    const everything = () => once("at the first").length >= said.length;
    let last = "";
    for (let n = 0; n < 20; n += 1) last = await say(n % 2 ? alice : at(alice), `both ${n}`);
    await until(everything);
    await read(at(bob), roomId, last);
    await until(() => gateway.badge() === 0);
    const stopping = first.stop();
    for (let n = 0; n < 20; n += 1) await say(at(alice), `left ${n}`);
    await stopping;
    await until(everything);
    await until(() => once("at the second").length >= said.length);
    expect(once("at the first")).toEqual(said);
    expect(once("at the second")).toEqual(said);
    expect(gateway.faults).toEqual([]);
    await second.stop();
    await first.close();
    await redis.stop();
    await gateway.stop();
  },
);
