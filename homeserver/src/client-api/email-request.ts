import type { FastifyRequest } from "fastify";
import type { RequestBody } from "@weft/spec/types";
import { matrixError } from "../protocol/errors.ts";

/** What a client asks for that has an address confirmed. */
export function emailRequest(
  body: RequestBody<"requestTokenTo3PIDEmail">,
  { headers }: FastifyRequest,
) {
  return {
    email: body.email,
    clientSecret: body.client_secret,
    sendAttempt: body.send_attempt,
    nextLink: body.next_link,
    accepted: headers["accept-language"],
  };
}

/** M_THREEPID_DENIED 403: this server cannot have such an address confirmed. */
export function denied(what: "mail" | "text messages") {
  return matrixError("M_THREEPID_DENIED", `This server sends no ${what}`);
}
