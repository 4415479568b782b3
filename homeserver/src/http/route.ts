import type { OperationId, operations } from "@weft/spec/operations";
import type { PathParams, QueryParams, RequestBody } from "@weft/spec/types";
import type { FastifyRequest } from "fastify";
import type { IncomingMessage } from "node:http";
import type { MatrixError } from "../protocol/errors.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import type { Requester } from "./access/authenticate.ts";
import type { Reply } from "./reply/reply.ts";

type Row<Id extends OperationId> = (typeof operations)[Id];

/** The result of the operation's kind of authentication. */
type RequesterOf<Id extends OperationId> = Row<Id>["auth"] extends
  | "access-token"
  | "administrator"
  | "application-service"
  ? Requester
  : Row<Id>["auth"] extends "access-token?" | "application-service?"
    ? Requester | undefined
    : undefined;

type BodyOf<Id extends OperationId> = Row<Id>["body"] extends "binary"
  ? IncomingMessage
  : Row<Id>["bodyRequired"] extends true
    ? RequestBody<Id>
    : Row<Id>["body"] extends "json" | "form"
      ? Exclude<RequestBody<Id>, undefined>
      : undefined;

/** One request, checked against the specification, as a handler sees it. */
export interface Context<Id extends OperationId> {
  readonly operationId: Id;
  /** Path parameters, decoded. */
  readonly params: PathParams<Id>;
  /** Query parameters, coerced to their types. */
  readonly query: QueryParams<Id>;
  /**
   * The JSON body ({} when an optional one was left out), the fields of a form, or the stream of a
   * binary one.
   */
  readonly body: BodyOf<Id>;
  /** Who asks, where the operation takes an access token. */
  readonly requester: RequesterOf<Id>;
  /** Which server asks, where the operation takes a server's signature. */
  readonly origin: Row<Id>["auth"] extends "server-signature" ? ServerName : undefined;
  /** The content type that the request claims, unchecked. */
  readonly contentType: string | undefined;
  readonly ip: string;
  /** Aborts when the client goes away, or when the server stops and long-polls shall answer now. */
  readonly signal: AbortSignal;
  readonly request: FastifyRequest;
}

/** What a handler answers: an object to be written as JSON, nothing ({}), or a Reply. */
type Answer = object | undefined | Reply;

export type Handler<Id extends OperationId> = (context: Context<Id>) => Promise<Answer> | Answer;

/** An operation with its handler. */
export interface Route {
  readonly operationId: OperationId;
  readonly handle: (context: Context<never>) => Promise<Answer> | Answer;
  /** The answer to an error, where it is another than the protocol's. */
  readonly refuse?: (error: MatrixError, request: FastifyRequest) => Reply;
}

/**
 * Binds a handler to an operation of the specification: `route("joinRoomById", async ({ params,
 * requester }) => ({ room_id: … }))`.
 */
export function route<Id extends OperationId>(operationId: Id, handler: Handler<Id>): Route {
  return { operationId, handle: handler };
}
