/** Several replicas tell an application service together what one would: one of them at a time. */
import { expect, test } from "vitest";
import { hasRedis, startRedis } from "../support/redis.ts";
import { startServer } from "../support/server.ts";
import { until } from "../support/wait.ts";
import { startFakeService } from "./fake-service.ts";
import { registrationFolder, registrationText, serviceClient } from "./support.ts";

test.skipIf(!hasRedis)(
  "a service is told each thing once and in order, whichever replica stops",
  { timeout: 240_000 },
  async () => {
    const service = await startFakeService();
    const users = [{ regex: "@_r_.*", exclusive: true }];
    const text = registrationText({ url: service.url, users, receive_ephemeral: true });
    const files = registrationFolder({ bridge: text });
    const redis = await startRedis();
    const redisUrl = `redis+unix://${redis.path}`;
    const first = await startServer({ appservices: files.folder, redisUrl });
    const second = await first.replica();
    const [one, other] = [first, second].map((replica) => serviceClient(replica, "as-token"));
    const as = await one!.ghost("_r_ghost");
    const { room_id: roomId } = await other!.call("POST", "/createRoom", {}, { as });
    const said: string[] = [];
    const say = async (client: typeof one, body: string) => {
      const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${body}`;
      await client!.call("PUT", path, { msgtype: "m.text", body }, { as });
      said.push(body);
    };
    const told = () => service.all("events").flatMap(({ content }) => content.body ?? []);
    for (let n = 0; n < 40; n += 1) await say(n % 2 === 0 ? one : other, `both-${n}`);
    await until(() => told().length === said.length);
    const typing = `/rooms/${encodeURIComponent(roomId)}/typing/${encodeURIComponent(as)}`;
    for (const client of [one, other]) {
      const before = service.all("ephemeral").length;
      await client!.call("PUT", typing, { typing: true, timeout: 30_000 }, { as });
      await until(() => service.all("ephemeral").length > before);
      await client!.call("PUT", typing, { typing: false }, { as });
      await until(() => service.all("ephemeral").length > before + 1);
    }
    const stopping = first.stop();
    for (let n = 0; n < 20; n += 1) await say(other, `left-${n}`);
    await stopping;
    await until(() => told().length === said.length);
    expect(told()).toEqual(said);
    await second.stop();
    await first.close();
    await redis.stop();
    await service.stop();
    files.close();
  },
);
