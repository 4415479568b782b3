import type { Agent } from "undici";
import { readBody } from "../../federation-client/reading/read-body.ts";
import type { Logger } from "../../platform/logger.ts";
import { matrixError } from "../../protocol/errors.ts";
import { isJsonObject, JsonError, parseLoose } from "../../protocol/json.ts";

/** The services whose puzzles people solve, and what their pages need. */
export const CAPTCHA_KINDS = {
  recaptcha: {
    script: "https://www.google.com/recaptcha/api.js",
    verifyUrl: "https://www.google.com/recaptcha/api/siteverify",
    field: "g-recaptcha-response",
    element: "g-recaptcha",
    /** What the page may load, and show in frames. */
    sources: ["https://www.google.com", "https://www.gstatic.com"],
  },
  hcaptcha: {
    script: "https://js.hcaptcha.com/1/api.js",
    verifyUrl: "https://api.hcaptcha.com/siteverify",
    field: "h-captcha-response",
    element: "h-captcha",
    sources: ["https://hcaptcha.com", "https://*.hcaptcha.com"],
  },
  turnstile: {
    script: "https://challenges.cloudflare.com/turnstile/v0/api.js",
    verifyUrl: "https://challenges.cloudflare.com/turnstile/v0/siteverify",
    field: "cf-turnstile-response",
    element: "cf-turnstile",
    sources: ["https://challenges.cloudflare.com"],
  },
} as const;

export interface CaptchaSettings {
  readonly kind: keyof typeof CAPTCHA_KINDS;
  /** Public. */
  readonly siteKey: string;
  readonly secret: string;
  readonly verifyUrl: string;
}

/** Puzzles that programs do not solve. (Client-server API, "Google ReCaptcha".) */
export interface Captcha {
  readonly settings: CaptchaSettings;
  /**
   * Asks the service whether a puzzle was solved; it says yes once for each.
   * @throws MatrixError M_CAPTCHA_NEEDED 401 without an answer, M_CAPTCHA_INVALID 401 for a wrong one,
   * M_CONNECTION_FAILED 502
   */
  verify(answer: unknown, ip: string): Promise<void>;
}

const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 65_536;
/** Of what the browser brings. */
const MAX_LETTERS = 16_384;

/** `agent` refuses private addresses where they are not allowed. */
export function createCaptcha(deps: {
  readonly settings: CaptchaSettings;
  readonly agent: Agent;
  readonly logger: Logger;
}): Captcha {
  const { settings, agent, logger } = deps;

  async function ask(answer: string, ip: string): Promise<boolean> {
    const { origin, pathname, search } = new URL(settings.verifyUrl);
    const form = { secret: settings.secret, response: answer, remoteip: ip };
    const { statusCode, body } = await agent.request({
      ...{ origin, path: pathname + search, method: "POST" },
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        accept: "application/json",
      },
      body: new URLSearchParams(form).toString(),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const said = parseLoose(await readBody(body, MAX_ANSWER_BYTES));
    if (statusCode !== 200 || !isJsonObject(said)) throw new JsonError("syntax", "no answer");
    if (said["success"] === true) return true;
    const codes = JSON.stringify(said["error-codes"] ?? []).slice(0, 200);
    logger.info({ codes }, "a puzzle was not solved");
    return false;
  }

  return {
    settings,
    async verify(answer, ip) {
      if (typeof answer !== "string" || answer === "") {
        throw matrixError("M_CAPTCHA_NEEDED", "Solve the puzzle first");
      }
      let isSolved = false;
      try {
        isSolved = answer.length <= MAX_LETTERS && (await ask(answer, ip));
      } catch (err) {
        logger.warn({ err }, "the service for puzzles does not answer");
        throw matrixError("M_CONNECTION_FAILED", "Puzzles cannot be checked now: try again later");
      }
      if (!isSolved) throw matrixError("M_CAPTCHA_INVALID", "The puzzle was not solved: try again");
    },
  };
}
