import type { operations, OperationIdOf } from "@weft/spec/operations";
import type { PathParams, QueryParams, RequestBody } from "@weft/spec/types";

/** An operation of the contract, by its operationId. It is named at each call as a type, which costs the page nothing. */
export type OperationId = OperationIdOf<"client-server" | "admin">;

type Row<Id extends OperationId> = (typeof operations)[Id];

/** The one method that an operation has. */
export type MethodOf<Id extends OperationId> = Row<Id>["method"];

/** The one path that an operation has, its parameters in braces. */
export type PathOf<Id extends OperationId> = Row<Id>["path"];

/** The operations whose answer is a file. */
export type FileOperationId = {
  [Id in OperationId]: Row<Id>["response"] extends "binary" ? Id : never;
}[OperationId];

type PathValues<Id extends OperationId> = keyof PathParams<Id> extends never
  ? { path?: undefined }
  : { path: PathParams<Id> };

type QueryValues<Id extends OperationId> = keyof QueryParams<Id> extends never
  ? { query?: undefined }
  : object extends QueryParams<Id>
    ? { query?: QueryParams<Id> }
    : { query: QueryParams<Id> };

/** A body may be left out when it needs no part: `{}` is sent for it. */
type Body<Id extends OperationId> = [RequestBody<Id>] extends [undefined]
  ? { body?: undefined }
  : object extends RequestBody<Id>
    ? { body?: RequestBody<Id> }
    : { body: RequestBody<Id> };

/** The path and query values of an operation. */
export type AddressOptions<Id extends OperationId> = PathValues<Id> & QueryValues<Id>;

/** What a call to an operation takes: its path and query values, its body, and how many milliseconds to wait. */
export type CallOptions<Id extends OperationId> = AddressOptions<Id> &
  Body<Id> & { signal?: AbortSignal | undefined; timeout?: number; language?: string };
