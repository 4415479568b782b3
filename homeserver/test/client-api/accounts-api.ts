/** One server, and the way into it. */
import { afterAll, beforeAll } from "vitest";
import { openApi, type TestApi } from "./support.ts";

export let t: TestApi;

beforeAll(async () => {
  t = await openApi({ registrationSharedSecret: "shared" });
});

afterAll(() => t.close());

export const login = (body: object) =>
  t.call("POST", "login", { type: "m.login.password", ...body });
