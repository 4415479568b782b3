import { describe, expect, test } from "vitest";
import { ApiError } from "../../src/api/errors.ts";
import type { AuthProof, Content } from "../../src/api/types.ts";
import { challengeIn } from "../../src/api/auth.ts";
import { NeedsProof, nextStage, throughAuth, type Proofs } from "../../src/api/uia.ts";

const challenge = (stages: string[][], more: Content = {}) =>
  new ApiError(401, { flows: stages.map((one) => ({ stages: one })), session: "S", ...more });

/** An operation that answers each attempt as the script says. */
async function run(proofs: Proofs, script: (Error | string)[]) {
  const attempts: (AuthProof | undefined)[] = [];
  const outcome = await throughAuth(proofs, async (auth) => {
    attempts.push(auth);
    const answer = script.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  }).catch((error: unknown) => error);
  return { attempts, outcome };
}

describe("an operation", () => {
  test("that asks for nothing goes at once", async () => {
    expect(await run({}, ["done"])).toEqual({ attempts: [undefined], outcome: "done" });
  });

  test("passes each stage in the session of the challenge before", async () => {
    const stages = [["m.login.registration_token", "m.login.dummy"]];
    const { attempts, outcome } = await run({ registrationToken: "R" }, [
      challenge(stages),
      challenge(stages, { completed: ["m.login.registration_token"], session: "S2" }),
      "done",
    ]);
    expect(outcome).toBe("done");
    expect(attempts).toEqual([
      undefined,
      { type: "m.login.registration_token", session: "S", token: "R" },
      { type: "m.login.dummy", session: "S2" },
    ]);
  });

  test("is given the password of its user", async () => {
    const password = { userId: "@ann:one", password: "secret" };
    const { attempts } = await run({ password }, [challenge([["m.login.password"]]), "done"]);
    expect(attempts[1]).toEqual({
      type: "m.login.password",
      session: "S",
      identifier: { type: "m.id.user", user: "@ann:one" },
      password: "secret",
    });
  });

  test("does not try a proof twice that was refused", async () => {
    const refused = challenge([["m.login.password"]], { errcode: "M_FORBIDDEN", error: "Wrong" });
    const password = { userId: "@ann:one", password: "wrong" };
    const { attempts, outcome } = await run({ password }, [
      challenge([["m.login.password"]]),
      refused,
    ]);
    expect(attempts).toHaveLength(2);
    expect(outcome).toBe(refused);
  });

  test("fails as it does for any other reason", async () => {
    const limited = new ApiError(429, { errcode: "M_LIMIT_EXCEEDED" });
    expect((await run({}, [limited])).outcome).toBe(limited);
  });

  test("that is never satisfied ends", async () => {
    const endless = Array.from({ length: 9 }, () => challenge([["m.login.dummy"]]));
    const { attempts, outcome } = await run({}, endless);
    expect(attempts).toHaveLength(6);
    expect(outcome).toBeInstanceOf(NeedsProof);
  });
});

describe("what is still lacking", () => {
  const lacking = (stages: string[][], proofs: Proofs = {}) => {
    try {
      return nextStage({ flows: stages.map((one) => ({ stages: one })) }, proofs);
    } catch (error) {
      const { stage, known } = error as NeedsProof;
      return [stage, known];
    }
  };

  test("is named, and whether it could be given here", () => {
    expect(lacking([["m.login.password"]])).toEqual(["m.login.password", true]);
    expect(lacking([["m.login.recaptcha"]])).toEqual(["m.login.recaptcha", false]);
    expect(lacking([["m.login.recaptcha"], ["m.login.dummy", "m.login.password"]])).toEqual([
      "m.login.password",
      true,
    ]);
    expect(lacking([])).toEqual(["unknown", false]);
  });
});

test("a challenge is a 401 that names flows, and nothing else", () => {
  expect(challengeIn(challenge([["x"]]))).toMatchObject({ session: "S" });
  expect(challengeIn(new ApiError(401, { errcode: "M_UNKNOWN_TOKEN" }))).toBeUndefined();
  expect(challengeIn(new ApiError(403, { flows: [] }))).toBeUndefined();
  expect(challengeIn(new Error("no"))).toBeUndefined();
});
