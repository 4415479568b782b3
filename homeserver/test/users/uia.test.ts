import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { JsonObject } from "../../src/protocol/json.ts";
import { UiaChallenge } from "../../src/users/accounts/uia-challenge.ts";
import type { Stage, UiaRequest } from "../../src/users/accounts/uia-request.ts";
import { errcodeOf, id, openUsers, type TestUsers } from "./support.ts";

let t: TestUsers;
const alice = id("alice");
beforeAll(async () => {
  t = await openUsers({ registration: "token" });
  await t.users.registration.create("alice", "wonderland");
  await t.users.registration.create("bob", "builder");
  await t.users.registrationTokens.create({ token: "letmein" });
});
afterAll(() => t.close());

function request(body: JsonObject, more: Partial<UiaRequest> = {}): UiaRequest {
  const flows: Stage[][] = [["m.login.password"]];
  const visitor = { ip: "192.0.2.1" };
  return { operation: "deleteDevices", body, userId: alice, visitor, flows, ...more };
}

async function challenge(asked: UiaRequest): Promise<JsonObject> {
  try {
    await t.users.uia.authorise(asked);
  } catch (error) {
    if (error instanceof UiaChallenge) return error.toJSON();
    throw error;
  }
  throw new Error("nothing was asked for");
}

const password = (session: unknown, secret = "wonderland", user = "alice"): JsonObject => ({
  type: "m.login.password",
  identifier: { type: "m.id.user", user },
  password: secret,
  session: session as string,
});

describe("user-interactive authentication", () => {
  test("asks with flows, params and a session, and without an error code", async () => {
    expect(await challenge(request({ devices: [] }))).toEqual({
      flows: [{ stages: ["m.login.password"] }],
      params: {},
      session: expect.stringMatching(/^weft_s_/),
    });
  });

  test("a wrong password is told with the same session, and a second attempt may succeed", async () => {
    const { session } = await challenge(request({ devices: ["A"] }));
    const wrong = request({ devices: ["A"], auth: password(session, "wrong") });
    expect(await challenge(wrong)).toMatchObject({ errcode: "M_FORBIDDEN", session });
    const right = request({ devices: ["A"], auth: password(session) });
    expect(await t.users.uia.authorise(right)).toEqual({ userId: alice });
  });

  test("works at once without a session, as some clients do", async () => {
    const { session: _none, ...auth } = password(undefined);
    expect(await t.users.uia.authorise(request({ auth }))).toEqual({ userId: alice });
    const legacy = { type: "m.login.password", user: "@alice:here.test", password: "wonderland" };
    expect(await t.users.uia.authorise(request({ auth: legacy }))).toEqual({ userId: alice });
  });

  test("another user's password does not do", async () => {
    const { session } = await challenge(request({}));
    const auth = password(session, "builder", "bob");
    await expect(t.users.uia.authorise(request({ auth }))).rejects.toMatchObject({
      status: 403,
      errcode: "M_FORBIDDEN",
    });
  });

  test("goes through several stages, on any replica, and is used once", async () => {
    const other = await t.replica();
    const flows: Stage[][] = [["m.login.registration_token", "m.login.dummy"]];
    const step = (auth: JsonObject) =>
      request({ username: "new", auth }, { operation: "register", userId: undefined, flows });
    const { session } = await challenge(step({}));
    const wrong = { type: "m.login.registration_token", token: "guess", session: session! };
    expect(await challenge(step(wrong))).toMatchObject({ errcode: "M_UNAUTHORIZED" });
    const token = { ...wrong, token: "letmein" };
    expect(await challenge(step(token))).toMatchObject({
      completed: ["m.login.registration_token"],
    });
    const dummy = step({ type: "m.login.dummy", session: session! });
    expect(await other.uia.authorise(dummy)).toEqual({ registrationToken: "letmein" });
    expect(await challenge(dummy)).not.toMatchObject({ session });
  });

  test("is bound to the operation, the user and, once a stage is done, the request", async () => {
    const flows: Stage[][] = [["m.login.dummy", "m.login.password"]];
    const { session } = await challenge(request({ devices: ["A"] }, { flows }));
    const dummy = { type: "m.login.dummy", session: session! };
    await challenge(request({ devices: ["A"], auth: dummy }, { flows }));
    const auth = password(session);
    const attempts: UiaRequest[] = [
      request({ devices: ["B"], auth }, { flows }),
      request({ devices: ["A"], auth }, { flows, operation: "changePassword" }),
      request({ devices: ["A"], auth }, { flows, userId: id("bob") }),
    ];
    for (const attempt of attempts) {
      expect(await errcodeOf(t.users.uia.authorise(attempt))).toBe("M_FORBIDDEN");
    }
    const same = request({ devices: ["A"], auth }, { flows });
    expect(await t.users.uia.authorise(same)).toEqual({ userId: alice });
  });

  test("what is passed on a page while another stage is tried stays passed", async () => {
    const flows: Stage[][] = [["m.login.registration_token", "m.login.sso", "m.login.dummy"]];
    const asked = { devices: ["P"] };
    const { session } = await challenge(request(asked, { flows }));
    const { registrationTokens, uia } = t.users;
    const trying = vi.spyOn(registrationTokens, "isValid").mockImplementationOnce(async () => {
      await uia.pass(session as string, "m.login.sso", { userId: alice });
      return true;
    });
    const auth = { type: "m.login.registration_token", token: "letmein", session: session! };
    const next = await challenge(request({ ...asked, auth }, { flows }));
    trying.mockRestore();
    expect((next.completed as string[]).toSorted()).toEqual(flows[0]!.slice(0, 2).toSorted());
    const last = { type: "m.login.dummy", session: session! };
    const done = await uia.authorise(request({ ...asked, auth: last }, { flows }));
    expect(done).toMatchObject({ userId: alice, registrationToken: "letmein" });
  });

  test("expires", async () => {
    const { session } = await challenge(request({}));
    t.clock.advance(15 * 60_000);
    const auth = { session: session! };
    expect((await challenge(request({ auth })))["session"]).not.toBe(session);
  });

  test("a stage of no flow fails, and a malformed auth is M_BAD_JSON", async () => {
    const auth = { type: "m.login.recaptcha", response: "x" };
    expect(await challenge(request({ auth }))).toMatchObject({ errcode: "M_UNKNOWN" });
    expect(await errcodeOf(t.users.uia.authorise(request({ auth: "yes" })))).toBe("M_BAD_JSON");
  });
});
