import { challengeIn } from "./auth.ts";
import type { AuthChallenge, AuthProof } from "./types.ts";

/** What the person gave that may satisfy a stage. */
export interface Proofs {
  registrationToken?: string;
  password?: { userId: string; password: string };
}

/** Stages this client can pass, with what each needs. */
function canPass(stage: string, proofs: Proofs): boolean {
  if (stage === "m.login.dummy") return true;
  if (stage === "m.login.registration_token") return proofs.registrationToken !== undefined;
  if (stage === "m.login.password") return proofs.password !== undefined;
  return false;
}

const KNOWN = new Set(["m.login.dummy", "m.login.registration_token", "m.login.password"]);

/** Thrown when the server asks for something the person has not given yet, or that this client cannot do. */
export class NeedsProof extends Error {
  readonly stage: string;
  readonly known: boolean;
  /** The session in which the rest of the stages may be passed. */
  readonly session: string | undefined;
  constructor(stage: string, session?: string) {
    super(`The server asks for ${stage}`);
    this.stage = stage;
    this.known = KNOWN.has(stage);
    this.session = session;
  }
}

function proofFor(stage: string, session: string | undefined, proofs: Proofs): AuthProof {
  const auth: AuthProof = { type: stage };
  const { registrationToken, password } = proofs;
  if (session !== undefined) auth.session = session;
  if (stage === "m.login.registration_token" && registrationToken !== undefined) {
    auth.token = registrationToken;
  }
  if (stage === "m.login.password" && password !== undefined) {
    auth.identifier = { type: "m.id.user", user: password.userId };
    auth.password = password.password;
  }
  return auth;
}

/** The next stage of the flow that can be finished with what is at hand; the shortest such flow wins. */
export function nextStage(challenge: AuthChallenge, proofs: Proofs): string {
  const done = new Set(challenge.completed ?? []);
  const rest = challenge.flows
    .map((flow) => flow.stages.filter((stage) => !done.has(stage)))
    .toSorted((a, b) => a.length - b.length);
  const passable = rest.find((stages) => stages.every((stage) => canPass(stage, proofs)));
  if (passable?.[0] !== undefined) return passable[0];
  const wanted = rest.find((stages) => stages.every((stage) => KNOWN.has(stage))) ?? rest[0] ?? [];
  throw new NeedsProof(
    wanted.find((stage) => !canPass(stage, proofs)) ?? "unknown",
    challenge.session,
  );
}

/**
 * Runs an operation through user-interactive auth, stage by stage, till it succeeds or something is lacking. `begun`: a
 * session to go on with.
 */
export async function throughAuth<T>(
  proofs: Proofs,
  attempt: (auth?: AuthProof) => Promise<T>,
  begun?: string,
): Promise<T> {
  let auth: AuthProof | undefined = begun === undefined ? undefined : { session: begun };
  for (let round = 0; round < 6; round++) {
    try {
      return await attempt(auth);
    } catch (error) {
      const challenge = challengeIn(error);
      // The same proof refused: the error says why.
      const refused = auth !== undefined && challenge?.errcode !== undefined;
      if (challenge === undefined || refused) throw error;
      auth = proofFor(nextStage(challenge, proofs), challenge.session, proofs);
    }
  }
  throw new NeedsProof("unknown");
}
