/** The users of one server. */
import { afterAll, beforeAll } from "vitest";
import { openUsers, type TestUsers } from "./support.ts";

export let t: TestUsers;

beforeAll(async () => {
  t = await openUsers({ registration: "token", registrationSharedSecret: "very secret" });
});

afterAll(() => t.close());
