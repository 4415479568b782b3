import { randomBytes } from "node:crypto";
import { parallel, range } from "../load/parallel.ts";
import type { Api } from "./api.ts";

export interface User {
  readonly userId: string;
  readonly token: string;
  readonly deviceId: string;
}

/** Password hashing takes whole cores for a moment: no more at once than this. */
const REGISTRATIONS_AT_ONCE = 4;

/** Registers new users with `m.login.dummy`. */
export async function registerUsers(api: Api, count: number): Promise<User[]> {
  const run = randomBytes(4).toString("hex");
  return await parallel(range(count), REGISTRATIONS_AT_ONCE, async (number) => {
    const answer = await api.call({
      method: "POST",
      path: "/_matrix/client/v3/register",
      body: {
        username: `bench-${run}-${number}`,
        password: `bench-${run}`,
        initial_device_display_name: "bench",
        auth: { type: "m.login.dummy" },
      },
    });
    return {
      userId: answer.user_id,
      token: answer.access_token,
      deviceId: answer.device_id,
    };
  });
}

/** A new device of a user that was registered here. */
export async function logIn(api: Api, { userId }: User): Promise<User> {
  const run = /^@bench-([0-9a-f]+)-/.exec(userId)![1]!;
  const answer = await api.call({
    method: "POST",
    path: "/_matrix/client/v3/login",
    body: {
      type: "m.login.password",
      identifier: { type: "m.id.user", user: userId },
      password: `bench-${run}`,
    },
  });
  return { userId, token: answer.access_token, deviceId: answer.device_id };
}

export function serverNameOf({ userId }: User): string {
  return userId.slice(userId.indexOf(":") + 1);
}
